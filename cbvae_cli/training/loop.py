"""The training loop: all networks in one step, each keeping its own best weights."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.errors import Interrupted
from cbvae_cli.families.contract import Plan
from cbvae_cli.networks.vae import Noise
from cbvae_cli.records import Epoch, Settings
from cbvae_cli.training.checkpoint import Checkpoint, Snapshot
from cbvae_cli.training.parts import STOP, TRAIN, Parts
from cbvae_cli.training.stopping import held_back

REPORTS = 25  # times that stopping rows are looked at
MOST_STOP_ROWS = 1024  # per network; more do not move the choice
BLIND_SHARE = 0.25  # of all steps, for a network without stopping rows
SAVE_SECONDS = 20.0

Observer = Callable[[Epoch], None]


@dataclass
class Data:
    """Training rows on the device.

    Attributes
    ----------
    values : Tensor, shape (n_rows, width)
    seen : bool Tensor, shape (n_rows, n_cells)
    train, stop : list of Tensor
        Row numbers of each network.
    """

    values: Tensor
    seen: Tensor
    train: list[Tensor]
    stop: list[Tensor]


def place_data(plan: Plan, parts: Parts, device: torch.device) -> Data:
    """Put the rows of a plan on a device, whole: batches are picked by row number."""

    def rows(part: int, within: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(parts.rows(part, within)).to(device)

    return Data(
        torch.from_numpy(plan.values).to(device),
        torch.from_numpy(plan.seen).to(device),
        [rows(TRAIN, within) for within in plan.member_rows],
        [rows(STOP, within)[:MOST_STOP_ROWS] for within in plan.member_rows],
    )


class Loop:
    """Fits a stack of networks.

    Parameters
    ----------
    plan : Plan
    data : Data
    settings : Settings
    """

    def __init__(self, plan: Plan, data: Data, settings: Settings) -> None:
        self.nets = plan.nets
        self.data = data
        self.settings = settings
        self.steps = _steps(settings, max(len(rows) for rows in data.train))
        self.every = max(1, self.steps // REPORTS)
        self.step = 0
        self.history: list[Epoch] = []
        self.generator = torch.Generator().manual_seed(settings.seed + 1)
        self.optimiser = torch.optim.AdamW(
            self.nets.parameters(), lr=settings.rate, fused=True
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, settings.rate, total_steps=self.steps + 1
        )
        n_nets = self.nets.n_nets
        self.best_loss = torch.full((n_nets,), torch.inf, dtype=torch.float64)
        self.best_step = torch.zeros(n_nets, dtype=torch.int64)
        self.best = {n: p.detach().clone() for n, p in self.nets.named_parameters()}
        device = data.values.device
        counts = torch.tensor([float(len(rows)) for rows in data.train], device=device)
        seen = data.seen.sum(dim=0).clamp(min=1)[self.nets.owner]
        self.nets.lean(counts, data.values.sum(dim=0) / seen)

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
                    checkpoint.save(self.snapshot())
                    saved = time.monotonic()
        self._take_best()

    def _leave(self, checkpoint: Checkpoint | None) -> NoReturn:
        """Save the run and break it off."""
        if checkpoint is None:
            raise KeyboardInterrupt
        checkpoint.save(self.snapshot())
        raise Interrupted(
            f"interrupted at step {self.step} of {self.steps}; the work is saved",
            where=str(checkpoint.folder),
            hint="run the same command with --resume to go on",
        )

    def advance(self) -> Tensor:
        """Take one step; gives the loss of each network on its batch, in nats."""
        values, seen = self._batch()
        given = seen & ~self._hidden(seen)
        loss = -self.nets.loss(values, seen, given, self._noise(values)).elbo()
        each = loss.mean(dim=1)
        # Networks share no weights: the sum trains each as if it were alone. (torch
        # leaves `backward` without types.)
        (each.sum() / self.nets.order.numel()).backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        return each.detach()

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Draw rows for every network, with replacement."""
        picks = [
            rows[
                torch.randint(
                    len(rows), (self.settings.batch,), generator=self.generator
                )
            ]
            for rows in self.data.train
        ]
        rows = torch.stack(picks)
        return self.data.values[rows], self.data.seen[rows]

    def _hidden(self, seen: Tensor) -> Tensor:
        """Draw the cells to hide from the encoder, shape like `seen`."""
        draw = torch.rand(seen.shape, generator=self.generator).to(seen.device)
        if self.settings.mask >= 1:
            n_hidden = min(int(self.settings.mask), seen.shape[-1] - 1)
            return draw.argsort(dim=-1).argsort(dim=-1) < n_hidden
        share = torch.rand(*seen.shape[:-1], 1, generator=self.generator)
        return draw < share.to(seen.device) * self.settings.mask

    def _noise(self, values: Tensor) -> Noise:
        shape = (*values.shape[:-1], self.nets.latent)
        latent = torch.randn(shape, generator=self.generator).to(values.device)
        if not self.settings.noise:
            return Noise(latent, None)
        inputs = torch.randn(values.shape, generator=self.generator)
        return Noise(latent, inputs.to(values.device))

    def _report(self, loss: Tensor) -> Epoch:
        held_out = self._held_out()
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
    def _held_out(self) -> Tensor:
        """Mean loss on the stopping rows of each network, shape (n_nets,).

        Hidden cells and posterior draws are the same at every look, or chance would
        choose the step.
        """
        generator = torch.Generator().manual_seed(self.settings.seed + 2)
        losses = torch.full((self.nets.n_nets,), torch.nan, dtype=torch.float64)
        n_rows = max(len(rows) for rows in self.data.stop)
        if n_rows == 0:
            return losses
        # Shorter parts repeat their rows, so that all networks go in one pass.
        at = torch.arange(n_rows, device=self.data.values.device)
        rows = torch.stack(
            [
                stop[at % len(stop)] if len(stop) else train[at % len(train)]
                for stop, train in zip(self.data.stop, self.data.train, strict=True)
            ]
        )
        values, seen = self.data.values[rows], self.data.seen[rows]
        kept, self.generator = self.generator, generator
        given, noise = seen & ~self._hidden(seen), self._noise(values)
        self.generator = kept
        each = -self.nets.loss(values, seen, given, noise).elbo().double().cpu()
        for net, stop in enumerate(self.data.stop):
            if len(stop):
                losses[net] = each[net, : len(stop)].mean()
        return losses

    @torch.no_grad()
    def _keep_better(self, held_out: Tensor) -> None:
        blind = torch.isnan(held_out)
        due = self.step <= max(self.every, self.steps * BLIND_SHARE)
        better = (held_out < self.best_loss) | (blind & due)
        self.best_loss = torch.where(better & ~blind, held_out, self.best_loss)
        self.best_step[better] = self.step
        device = self.data.values.device
        for name, parameter in self.nets.named_parameters():
            chosen = better.to(device).view(-1, *[1] * (parameter.dim() - 1))
            self.best[name] = torch.where(chosen, parameter.detach(), self.best[name])

    @torch.no_grad()
    def _take_best(self) -> None:
        for name, parameter in self.nets.named_parameters():
            parameter.copy_(self.best[name])

    def snapshot(self) -> Snapshot:
        """Give the state of the loop."""
        tensors = {
            "random": self.generator.get_state(),
            "best_loss": self.best_loss,
            "best_step": self.best_step,
        }
        for name, parameter in self.nets.named_parameters():
            state = self.optimiser.state.get(parameter, {})
            tensors[f"weight/{name}"] = parameter.detach()
            tensors[f"best/{name}"] = self.best[name]
            for key in ("exp_avg", "exp_avg_sq", "step"):
                if key in state:
                    tensors[f"{key}/{name}"] = state[key]
        history = [[e.step, e.train, _plain(e.held_out)] for e in self.history]
        return Snapshot(self.step, tensors, history)

    @torch.no_grad()
    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a snapshot."""
        tensors = snapshot.tensors
        self.generator.set_state(tensors["random"])
        self.best_loss, self.best_step = tensors["best_loss"], tensors["best_step"]
        device = self.data.values.device
        for name, parameter in self.nets.named_parameters():
            parameter.copy_(tensors[f"weight/{name}"])
            self.best[name] = tensors[f"best/{name}"].to(device)
            if f"step/{name}" in tensors:
                self.optimiser.state[parameter] = {
                    "step": tensors[f"step/{name}"],
                    "exp_avg": tensors[f"exp_avg/{name}"].to(device),
                    "exp_avg_sq": tensors[f"exp_avg_sq/{name}"].to(device),
                }
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


def _steps(settings: Settings, most_rows: int) -> int:
    if not settings.epochs:
        return settings.steps
    return settings.epochs * max(1, -(-most_rows // settings.batch))


def _plain(losses: tuple[float, ...]) -> list[float | None]:
    return [None if np.isnan(loss) else loss for loss in losses]


def _unplain(losses: list[float | None]) -> tuple[float, ...]:
    return tuple(np.nan if loss is None else loss for loss in losses)
