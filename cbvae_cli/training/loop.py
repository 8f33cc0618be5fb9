"""The training loop: all networks in one step, each unit keeping its best weights."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from typing import NoReturn

import numpy as np
import torch
from torch import Tensor

from cbvae_cli.errors import Interrupted
from cbvae_cli.records import Epoch
from cbvae_cli.training.checkpoint import Checkpoint, Snapshot
from cbvae_cli.training.objective import Objective
from cbvae_cli.training.stopping import held_back

REPORTS = 25  # times that stopping rows are looked at
BLIND_SHARE = 0.25  # of all steps, for a network without stopping rows
SAVE_SECONDS = 20.0

Observer = Callable[[Epoch], None]


class Loop:
    """Lowers an objective.

    Parameters
    ----------
    objective : Objective
    steps : int
    rate : float
        Highest learning rate of the one-cycle schedule.
    seed : int
    """

    def __init__(
        self, objective: Objective, steps: int, rate: float, seed: int
    ) -> None:
        self.objective = objective
        self.steps = steps
        self.seed = seed
        self.every = max(1, steps // REPORTS)
        self.step = 0
        self.history: list[Epoch] = []
        self.generator = torch.Generator().manual_seed(seed + 1)
        self.optimiser = torch.optim.AdamW(objective.parameters(), lr=rate, fused=True)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, rate, total_steps=steps + 1
        )
        n_units = objective.n_units
        self.best_loss = torch.full((n_units,), torch.inf, dtype=torch.float64)
        self.best_step = torch.zeros(n_units, dtype=torch.int64)
        self.best = {n: p.detach().clone() for n, p in objective.named_parameters()}

    def run(self, observe: Observer, checkpoint: Checkpoint | None) -> None:
        """Train to the end, from the first step or from a snapshot.

        Parameters
        ----------
        observe : callable
            Told of every report.
        checkpoint : Checkpoint or None
            Where the run is saved now and then, and when it is interrupted.
        """
        saved = time.monotonic()
        with held_back() as stop:
            while self.step < self.steps:
                loss = self.advance()
                if self.step % self.every == 0 or self.step == self.steps:
                    observe(self._report(loss))
                if stop.asked:
                    self._leave(checkpoint)
                if checkpoint and time.monotonic() - saved > SAVE_SECONDS:
                    checkpoint.keep(self.snapshot())
                    saved = time.monotonic()
        self._take_best()

    def _leave(self, checkpoint: Checkpoint | None) -> NoReturn:
        """Save the run and break it off."""
        if checkpoint is None:
            raise KeyboardInterrupt
        so_far = f"interrupted at step {self.step} of {self.steps}"
        try:
            checkpoint.save(self.snapshot())
        except OSError as error:
            raise Interrupted(
                f"{so_far}; the work could not be saved: {error.strerror or error}",
                where=str(checkpoint.folder),
            ) from error
        raise Interrupted(
            f"{so_far}; the work is saved",
            where=str(checkpoint.folder),
            hint="run the same command with --resume to go on",
        )

    def advance(self) -> Tensor:
        """Take one step; gives the loss of each unit on its batch."""
        each = self.objective.loss(self.generator)
        total = each.sum() * self.objective.scale
        total.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self.objective.after_step(self.step, self.generator)
        return each.detach()

    def _report(self, loss: Tensor) -> Epoch:
        # Hidden cells and posterior draws are the same at every look, or chance
        # would choose the step.
        held_out = self.objective.held_out(torch.Generator().manual_seed(self.seed + 2))
        self._keep_better(held_out)
        epoch = Epoch(
            self.step,
            self.steps,
            tuple(float(value) for value in loss),
            tuple(float(value) for value in held_out),
        )
        self.history.append(epoch)
        return epoch

    @torch.no_grad()
    def _keep_better(self, held_out: Tensor) -> None:
        blind = torch.isnan(held_out)
        soon = self.step <= max(self.every, self.steps * BLIND_SHARE)
        due = soon or not self.objective.stops
        better = (held_out < self.best_loss) | (blind & due)
        self.best_loss = torch.where(better & ~blind, held_out, self.best_loss)
        self.best_step[better] = self.step
        for name, parameter in self.objective.named_parameters():
            chosen = self.objective.of_unit(better, parameter).to(parameter.device)
            self.best[name] = torch.where(chosen, parameter.detach(), self.best[name])

    @torch.no_grad()
    def _take_best(self) -> None:
        for name, parameter in self.objective.named_parameters():
            parameter.copy_(self.best[name])

    def snapshot(self) -> Snapshot:
        """Give the state of the loop."""
        tensors = {
            "random": self.generator.get_state(),
            "best_loss": self.best_loss,
            "best_step": self.best_step,
        }
        for name, parameter in self.objective.named_parameters():
            state = self.optimiser.state.get(parameter, {})
            tensors[f"weight/{name}"] = parameter.detach()
            tensors[f"best/{name}"] = self.best[name]
            for key in ("exp_avg", "exp_avg_sq", "step"):
                if key in state:
                    tensors[f"{key}/{name}"] = state[key]
        for name, tensor in self.objective.memory().items():
            tensors[f"memory/{name}"] = tensor
        history = [[e.step, e.train, _plain(e.held_out)] for e in self.history]
        return Snapshot(self.step, tensors, history)

    @torch.no_grad()
    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot."""
        tensors = snapshot.tensors
        self.generator.set_state(tensors["random"])
        self.best_loss, self.best_step = tensors["best_loss"], tensors["best_step"]
        for name, parameter in self.objective.named_parameters():
            device = parameter.device
            parameter.copy_(tensors[f"weight/{name}"])
            self.best[name] = tensors[f"best/{name}"].to(device)
            if f"step/{name}" in tensors:
                self.optimiser.state[parameter] = {
                    "step": tensors[f"step/{name}"],
                    "exp_avg": tensors[f"exp_avg/{name}"].to(device),
                    "exp_avg_sq": tensors[f"exp_avg_sq/{name}"].to(device),
                }
        self.objective.remember(
            {
                name.removeprefix("memory/"): tensor
                for name, tensor in tensors.items()
                if name.startswith("memory/")
            }
        )
        self.history = [
            Epoch(step, self.steps, tuple(train), _unplain(held_out))
            for step, train, held_out in snapshot.history
        ]
        # The schedule depends on the step alone, so it is walked there; torch warns
        # of a schedule that is ahead of its optimiser.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            for _ in range(snapshot.step):
                self.schedule.step()
        self.step = snapshot.step


def _plain(losses: tuple[float, ...]) -> list[float | None]:
    return [None if np.isnan(loss) else loss for loss in losses]


def _unplain(losses: list[float | None]) -> tuple[float, ...]:
    return tuple(np.nan if loss is None else loss for loss in losses)
