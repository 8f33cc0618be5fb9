"""Cells that hold one of several names."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cbvae_cli.likelihoods.base import Likelihood, Summing, hide, owner_of, width_of
from cbvae_cli.table.matrix import Layout, Span

LEAST = 1e-3  # share that the whole table always has: no category is impossible
MOST = 0.5  # and the most that it has, however few rows a network learns from
MOST_LOGIT = 30.0  # its exponential, summed over a column, stays within float32
TOGETHER = 32  # columns summed in one product: torch's own softmax of few is slow


class Categorical(Likelihood):
    """Categorical mass; the decoder gives logits, one block of them a column.

    A network of n rows speaks for n of n + k parts of a column with k categories,
    the shares of the whole table for the others (Witten & Bell, 1991, give unseen
    words their mass in this way): few rows know little of many categories.

    Parameters
    ----------
    n_nets : int
    widths : tuple of int
        Categories of each column.
    """

    base: Tensor
    share: Tensor
    owner: Tensor

    def __init__(self, n_nets: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.n_params = sum(widths)
        self.widths = list(widths)
        even = torch.cat([torch.full((width,), 1 / width) for width in widths])
        self.register_buffer("base", even)
        self.register_buffer("share", torch.full((n_nets, 1, len(widths)), LEAST))
        self.register_buffer("owner", owner_of(widths), persistent=False)
        groups = [
            widths[first : first + TOGETHER]
            for first in range(0, len(widths), TOGETHER)
        ]
        self._ones = [functional.one_hot(owner_of(group)).float() for group in groups]

    @classmethod
    def for_span(cls, span: Span, layout: Layout, n_nets: int) -> Categorical:
        """Build it from the widths of the span's columns."""
        assert width_of(span) == sum(span.widths)
        return cls(n_nets, span.widths)

    def lean(self, counts: Tensor, base: Tensor) -> None:
        """Mix in the table's shares."""
        widths = torch.tensor(self.widths, device=counts.device)
        share = (widths / (counts[:, None] + widths)).clamp(LEAST, MOST)
        self.share = share[:, None, :].to(self.share)
        shares = [
            (block + LEAST / len(block)) / (block.sum() + LEAST)
            for block in torch.split(base, self.widths)
        ]
        self.base = torch.cat(shares).to(self.base)

    def _per_column(self, cells: Tensor) -> Tensor:
        """Sum the blocks of each column, (..., width) to (..., n_cells)."""
        sums, start = [], 0
        for ones in self._ones:
            stop = start + ones.shape[0]
            sums.append(cells[..., start:stop] @ ones.to(cells))
            start = stop
        return sums[0] if len(sums) == 1 else torch.cat(sums, dim=-1)

    def _spread(self, columns: Tensor) -> Tensor:
        """Repeat each column's number over its block, the way back of `_per_column`."""
        groups = torch.split(columns, TOGETHER, dim=-1)
        # A product with ones is exact here, and many times as quick as an index.
        blocks = [
            group @ ones.T.to(group)
            for group, ones in zip(groups, self._ones, strict=True)
        ]
        return blocks[0] if len(blocks) == 1 else torch.cat(blocks, dim=-1)

    def log_prob(self, params: Tensor, target: Tensor, observed: Tensor) -> Tensor:
        """Log mass of each column's category, in nats."""
        odds = params.clamp(-MOST_LOGIT, MOST_LOGIT).exp()
        own = self._per_column(odds * target) / self._per_column(odds)
        mass = (1 - self.share) * own + self.share * self._per_column(
            self.base * target
        )
        # A hidden cell names no category: its mass is 0, its log must not be seen.
        return hide(torch.where(observed, mass, torch.ones_like(mass)).log(), observed)

    def summing(self, target: Tensor, observed: Tensor) -> Summing:
        """Look up the odds of the category that each cell holds."""
        first = torch.tensor([0, *self.widths[:-1]], device=target.device).cumsum(0)
        own = [block.argmax(-1) for block in torch.split(target, self.widths, dim=-1)]
        at = torch.stack(own, dim=-1) + first
        at = at.expand(len(self.share), -1, -1)
        table = self.share * self._per_column(self.base * target)
        # A hidden cell names no category: its mass is made 1.
        table = torch.where(observed, table, torch.ones_like(table))
        spoken = (1 - self.share) * observed

        def total(params: Tensor) -> Tensor:
            odds = params.clamp(-MOST_LOGIT, MOST_LOGIT).exp_()
            mass = odds.gather(-1, at).div_(self._per_column(odds))
            return mass.mul_(spoken).add_(table).log_().sum(-1)

        return total

    def mean(self, params: Tensor) -> Tensor:
        """Give the probability of each category."""
        odds = params.clamp(-MOST_LOGIT, MOST_LOGIT).exp()
        share = self.share[..., self.owner]
        own = odds / self._spread(self._per_column(odds))
        return (1 - share) * own + share * self.base

    def deviation(self, params: Tensor) -> Tensor:
        """Give the standard deviation of each place of the one-hot block."""
        return self.deviation_around(self.mean(params), params)

    def deviation_around(self, mean: Tensor, params: Tensor) -> Tensor:
        """Give the standard deviation of cells of known means."""
        return (mean * (1 - mean)).sqrt()

    def sample(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Draw one category a column."""
        drawn = []
        for block in torch.split(self.mean(params), self.widths, dim=-1):
            uniform = rng.random((*block.shape[:-1], 1), dtype=np.float32)
            below = block.cumsum(-1) < torch.from_numpy(uniform).to(block.device)
            place = below.sum(-1).clamp(max=block.shape[-1] - 1)
            one_hot = functional.one_hot(place, block.shape[-1])
            drawn.append(one_hot.to(params.dtype))
        return torch.cat(drawn, dim=-1)
