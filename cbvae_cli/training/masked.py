"""Masked regression: hidden cells of rows, told from those that are seen."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from cbvae_cli.networks.filler import Filler
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.training.gaps import Gaps
from cbvae_cli.training.objective import Objective
from cbvae_cli.training.units import Places

BATCH = 256  # rows that each network sees in a step
MASK = 0.7  # most that a row loses in a batch
EVEN = 0.25  # of a batch, drawn from all classes alike


class MaskedRegression(Objective):
    """Error in hidden cells: squared in amounts, cross-entropy in names.

    Parameters
    ----------
    net : Filler
    encoded : Encoded
        Rows to learn from.
    cells : float64 array, shape (n_rows, width)
        As `Cells.of` lays them out.
    labels : int array, shape (n_rows,)
    owners : tuple of int array
        Table column of each column of `cells`, and of the encoded matrix.
    turn : int array, shape (n_rows,)
        The network that is blind to each row; none where negative.
    """

    def __init__(
        self,
        net: Filler,
        encoded: Encoded,
        cells: Floats,
        labels: Places,
        owners: tuple[Places, Places],
        turn: NDArray[np.int8],
    ) -> None:
        super().__init__()
        self.net = net
        self.stops = False
        self.n_units = net.n_nets
        self.unit_of_net = torch.arange(net.n_nets)
        self.encoded = torch.from_numpy(encoded.matrix)
        self.observed = torch.from_numpy(encoded.observed)
        self.told = torch.from_numpy(~np.isnan(cells))
        self.cells = torch.from_numpy(np.nan_to_num(cells).astype(np.float32))
        self.labels = torch.from_numpy(labels)
        self.owner, self.encoded_owner = map(torch.from_numpy, owners)
        self.gaps = Gaps(encoded.observed)
        self.pools = [_pools(labels, turn != number) for number in range(net.n_nets)]

    def loss(self, generator: torch.Generator) -> Tensor:
        """Error on rows drawn for one step, shape (n_nets,)."""
        drawn = [_drawn(pools, generator) for pools in self.pools]
        return self._error(torch.stack(drawn), generator)

    def held_out(self, generator: torch.Generator) -> Tensor:
        """Know nothing: all rows teach, and the last step is taken, shape (n_nets,)."""
        return torch.full((self.n_units,), torch.nan, dtype=torch.float64)

    def _error(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        seen, cells = self.observed[rows], self.cells[rows]
        shape = rows.numel(), seen.shape[-1]
        given = seen & ~self.gaps.hide(shape, MASK, generator).view(seen.shape)
        hidden = (seen & ~given)[..., self.owner] & self.told[rows]
        shown = given[..., self.owner] & self.told[rows]
        encoded = self.encoded[rows] * given[..., self.encoded_owner]
        found = self.net(encoded, cells * shown, given, self.labels[rows])
        at = self.net.amounts
        wrong = (found[..., at] - cells[..., at]).square() * hidden[..., at]
        lost = wrong.sum(dim=-1)
        for block in self.net.names:
            share = functional.log_softmax(found[..., block], dim=-1)
            lost = lost - (share * cells[..., block] * hidden[..., block]).sum(dim=-1)
        count = (seen & ~given).sum(dim=-1) + 1
        error: Tensor = (lost / count).mean(dim=-1)
        return error


def _pools(labels: Places, taught: Bools) -> list[Tensor]:
    """Give rows that teach a network: of each class, and behind them all."""
    classes = [labels == place for place in np.unique(labels)]
    # A class whose rows are all alike has none to spare.
    pools = [own & taught if (own & taught).any() else own for own in classes]
    rows = [np.flatnonzero(own) for own in pools]
    return [torch.from_numpy(own) for own in (*rows, np.concatenate(rows))]


def _drawn(pools: list[Tensor], generator: torch.Generator) -> Tensor:
    """Draw row numbers of a batch, a part of it from all classes alike."""
    *classes, every = pools
    each = max(1, round(EVEN * BATCH / len(classes)))
    rest = max(BATCH - each * len(classes), BATCH // 2)
    counts = [*[each] * len(classes), rest]
    picks = [
        rows[torch.randint(len(rows), (count,), generator=generator)]
        for rows, count in zip((*classes, every), counts, strict=True)
    ]
    return torch.cat(picks)
