"""Cells that hold one of several names."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cbvae_cli.likelihoods.base import Likelihood, hide, width_of
from cbvae_cli.table.matrix import Layout, Span

LEAST = 1e-3  # share that the whole table always has: no category is impossible
MOST = 0.5  # and the most that it has, however few rows a network learns from


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

    def __init__(self, n_nets: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.n_params = sum(widths)
        self.widths = list(widths)
        even = torch.cat([torch.full((width,), 1 / width) for width in widths])
        self.register_buffer("base", even)
        self.register_buffer("share", torch.full((n_nets, 1, len(widths)), LEAST))

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

    def _columns(self, params: Tensor) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Give logits, table shares and the share of the table, column by column."""
        logits = torch.split(params, self.widths, dim=-1)
        base = torch.split(self.base, self.widths)
        share = torch.split(self.share, 1, dim=-1)
        return list(zip(logits, base, share, strict=True))

    def _probabilities(self, params: Tensor) -> list[Tensor]:
        return [
            (1 - share) * torch.softmax(logits, dim=-1) + share * base
            for logits, base, share in self._columns(params)
        ]

    def log_prob(self, params: Tensor, target: Tensor, observed: Tensor) -> Tensor:
        """Log mass of each column's category, in nats."""
        cells = []
        names = torch.split(target, self.widths, dim=-1)
        for (logits, base, share), one_hot in zip(
            self._columns(params), names, strict=True
        ):
            own = (torch.log_softmax(logits, dim=-1) * one_hot).sum(-1)
            table = (base.log() * one_hot).sum(-1)
            share = share[..., 0]
            mixed = torch.logaddexp(torch.log1p(-share) + own, share.log() + table)
            cells.append(mixed)
        return hide(torch.stack(cells, dim=-1), observed)

    def mean(self, params: Tensor) -> Tensor:
        """Give the probability of each category."""
        return torch.cat(self._probabilities(params), dim=-1)

    def deviation(self, params: Tensor) -> Tensor:
        """Give the standard deviation of each place of the one-hot block."""
        mean = self.mean(params)
        return (mean * (1 - mean)).sqrt()

    def sample(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Draw one category a column."""
        drawn = []
        for block in self._probabilities(params):
            uniform = rng.random((*block.shape[:-1], 1), dtype=np.float32)
            below = block.cumsum(-1) < torch.from_numpy(uniform).to(block.device)
            place = below.sum(-1).clamp(max=block.shape[-1] - 1)
            one_hot = functional.one_hot(place, block.shape[-1])
            drawn.append(one_hot.to(params.dtype))
        return torch.cat(drawn, dim=-1)
