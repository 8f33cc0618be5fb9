"""What a training step lowers: the objective of a phase."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from cbvae_cli.families.rows import Plan
from cbvae_cli.networks.vae import Noise, StackedVAE
from cbvae_cli.records import Settings
from cbvae_cli.training.parts import Parts

MOST_STOP_ROWS = 1024  # of each class and member; more do not move the choice


@dataclass
class Rows:
    """Rows that batches of one network are drawn from.

    Attributes
    ----------
    places : Tensor
        Row numbers.
    ladder : float64 Tensor, shape like `places`, or None
        Running sums of the rows' weights, ending in 1; without, all weigh the same.
    """

    places: Tensor
    ladder: Tensor | None

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw row numbers, with replacement."""
        if self.ladder is None:
            picks = torch.randint(len(self.places), (count,), generator=generator)
        else:
            points = torch.rand(count, generator=generator, dtype=torch.float64)
            picks = torch.searchsorted(self.ladder, points, right=True)
            picks = picks.clamp(max=len(self.places) - 1)
        return self.places[picks.to(self.places.device)]


@dataclass
class Data:
    """Training rows on the device.

    Attributes
    ----------
    values : Tensor, shape (n_rows, width)
    seen : bool Tensor, shape (n_rows, n_cells)
    train : list of Rows
        Of each network.
    stop : list of Tensor
        Row numbers of each network.
    members : list of int
        The member that each network belongs to.
    labels : int Tensor, shape (n_rows,)
    """

    values: Tensor
    seen: Tensor
    train: list[Rows]
    stop: list[Tensor]
    members: list[int]
    labels: Tensor


def place_data(
    plan: Plan, parts: Parts, weights: NDArray[np.float64] | None, device: torch.device
) -> Data:
    """Put the rows of a plan on a device, whole: batches are picked by row number."""
    train, stop = [], []
    for within, member in zip(plan.rows, plan.members, strict=True):
        places = parts.trains(member, within)
        train.append(
            Rows(torch.from_numpy(places).to(device), _ladder(weights, places))
        )
        stopping = _thinned(parts.stop(member, within), MOST_STOP_ROWS)
        stop.append(torch.from_numpy(stopping).to(device))
    return Data(
        torch.from_numpy(plan.values).to(device),
        torch.from_numpy(plan.seen).to(device),
        train,
        stop,
        plan.members,
        torch.from_numpy(plan.labels).to(device),
    )


def _thinned(places: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Leave rows out evenly: a table may be in order of time."""
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).astype(np.int64)]


def _ladder(
    weights: NDArray[np.float64] | None, places: NDArray[np.int64]
) -> Tensor | None:
    if weights is None or not weights[places].any():
        return None
    sums = np.cumsum(weights[places])
    return torch.from_numpy(sums / sums[-1])


def hidden_cells(seen: Tensor, mask: float, generator: torch.Generator) -> Tensor:
    """Draw the cells to hide from the encoder, shape like `seen`.

    Parameters
    ----------
    seen : bool Tensor, shape (..., n_cells)
    mask : float
        Below 1 the largest share of a row, from 1 upwards that many cells.
    generator : torch.Generator
    """
    draw = torch.rand(seen.shape, generator=generator).to(seen.device)
    if mask >= 1:
        n_hidden = min(int(mask), seen.shape[-1] - 1)
        return draw.argsort(dim=-1).argsort(dim=-1) < n_hidden
    share = torch.rand(*seen.shape[:-1], 1, generator=generator)
    return draw < share.to(seen.device) * mask


def padded(rows: list[Tensor], spare: list[Tensor]) -> Tensor:
    """Repeat shorter lists of row numbers, so that all go in one pass.

    Parameters
    ----------
    rows : list of Tensor
    spare : list of Tensor
        Taken where a list is empty.

    Returns
    -------
    Tensor, shape (n_lists, longest)
    """
    longest = max(1, *(len(some) for some in rows))
    at = torch.arange(longest, device=rows[0].device)
    filled = [
        some if len(some) else other for some, other in zip(rows, spare, strict=True)
    ]
    return torch.stack([some[at % len(some)] for some in filled])


class Objective(nn.Module, ABC):
    """A loss for each of several units, which are judged apart.

    Attributes
    ----------
    unit_of_net : Tensor, shape (n_nets,)
        The unit that each network belongs to.
    n_units : int
    scale : float
        Of the losses' sum, before its gradient is taken.
    stops : bool
        Whether a unit without stopping rows stops early; it goes to the end if not.
    """

    unit_of_net: Tensor
    n_units: int
    scale: float = 1.0
    stops: bool = True

    @abstractmethod
    def loss(self, generator: torch.Generator) -> Tensor:
        """Loss of each unit on rows drawn for one step, shape (n_units,)."""

    @abstractmethod
    def held_out(self, generator: torch.Generator) -> Tensor:
        """Loss of each unit on its stopping rows, NaN where it has none."""

    def after_step(self, step: int, generator: torch.Generator) -> None:
        """Change what no gradient changes, once so many steps are taken."""

    def memory(self) -> dict[str, Tensor]:
        """Give what changes in training besides parameters."""
        return {}

    def remember(self, memory: Mapping[str, Tensor]) -> None:
        """Take over what `memory` gave."""

    def record(self) -> dict[str, Any]:
        """Say what training was like, for the training record."""
        return {}

    def of_unit(self, chosen: Tensor, parameter: Tensor) -> Tensor:
        """Spread a choice of units over a parameter's first axis."""
        if parameter.shape[0] != self.n_units:
            chosen = chosen[self.unit_of_net]
        return chosen.view(-1, *[1] * (parameter.dim() - 1))


class Generative(Objective):
    """Negative evidence lower bound of each network, in nats a row.

    Of its two parts each has a weight in the settings.

    Parameters
    ----------
    nets : StackedVAE
    data : Data
    settings : Settings
    """

    def __init__(self, nets: StackedVAE, data: Data, settings: Settings) -> None:
        super().__init__()
        self.nets = nets
        self.data = data
        self.settings = settings
        self.n_units = nets.n_nets
        self.unit_of_net = torch.arange(nets.n_nets)
        # Networks share no weights: the sum trains each as if it were alone.
        self.scale = 1 / nets.order.numel()
        device = data.values.device
        counts = [float(len(rows.places)) for rows in data.train]
        taught = _distinct([rows.places for rows in data.train])
        seen = data.seen[taught].sum(dim=0).clamp(min=1)[nets.owner]
        base = data.values[taught].sum(dim=0) / seen
        nets.lean(torch.tensor(counts, device=device), base)

    def loss(self, generator: torch.Generator) -> Tensor:
        """Loss of each network on rows drawn for one step, shape (n_nets,)."""
        size = self.settings.batch
        rows = torch.stack([some.draw(size, generator) for some in self.data.train])
        return self._losses(rows, generator).mean(dim=1)

    @torch.no_grad()
    def held_out(self, generator: torch.Generator) -> Tensor:
        """Mean loss on the stopping rows of each network, shape (n_nets,)."""
        stop = self.data.stop
        each = self._losses(
            padded(stop, [rows.places for rows in self.data.train]), generator
        )
        found = torch.full((len(stop),), torch.nan, dtype=torch.float64)
        for net, rows in enumerate(stop):
            if len(rows):
                found[net] = each[net, : len(rows)].double().mean()
        return found

    def _losses(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        values, seen = self.data.values[rows], self.data.seen[rows]
        given = seen & ~hidden_cells(seen, self.settings.mask, generator)
        noise = noise_for(self.nets, values, generator)
        loss = self.nets.loss(values, seen, given, noise, self.data.labels[rows])
        return self.settings.beta * loss.kl - self.settings.gamma * loss.recon


def _distinct(rows: list[Tensor]) -> Tensor:
    """Give each of the rows in some lists once."""
    # torch leaves `unique` untyped.
    once: Tensor = torch.cat(rows).unique()  # type: ignore[no-untyped-call]
    return once


def noise_for(nets: StackedVAE, values: Tensor, generator: torch.Generator) -> Noise:
    """Draw the random numbers of a pass over (n_nets, n_rows, width) values."""
    shape = (*values.shape[:-1], nets.latent)
    latent = torch.randn(shape, generator=generator).to(values.device)
    if not nets.shape.noise:
        return Noise(latent, None)
    inputs = torch.randn(values.shape, generator=generator)
    return Noise(latent, inputs.to(values.device))
