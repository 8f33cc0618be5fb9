"""Cells that hold one of several names."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from cbvae_cli.likelihoods.base import Likelihood, hide, width_of
from cbvae_cli.table.matrix import Layout, Span

LEAST = 1e-3  # share of the mass spread evenly: no category is impossible


class Categorical(Likelihood):
    """Categorical mass; the decoder gives logits, one block of them a column.

    Parameters
    ----------
    widths : tuple of int
        Categories of each column.
    """

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.n_params = sum(widths)
        self.widths = list(widths)

    @classmethod
    def for_span(cls, span: Span, layout: Layout, n_nets: int) -> Categorical:
        """Build it from the widths of the span's columns."""
        assert width_of(span) == sum(span.widths)
        return cls(span.widths)

    def mean(self, params: Tensor) -> Tensor:
        """Give the probability of each category."""
        blocks = torch.split(params, self.widths, dim=-1)
        return torch.cat([_probabilities(block) for block in blocks], dim=-1)

    def log_prob(self, params: Tensor, target: Tensor, observed: Tensor) -> Tensor:
        """Log mass of each column's category, in nats."""
        blocks = zip(
            torch.split(params, self.widths, dim=-1),
            torch.split(target, self.widths, dim=-1),
            strict=True,
        )
        cells = [_log_mass(logits, one_hot) for logits, one_hot in blocks]
        return hide(torch.stack(cells, dim=-1), observed)

    def deviation(self, params: Tensor) -> Tensor:
        """Give the standard deviation of each place of the one-hot block."""
        mean = self.mean(params)
        return (mean * (1 - mean)).sqrt()

    def sample(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Draw one category a column."""
        drawn = []
        for block in torch.split(params, self.widths, dim=-1):
            uniform = rng.random((*block.shape[:-1], 1), dtype=np.float32)
            below = _probabilities(block).cumsum(-1) < torch.from_numpy(uniform).to(
                block.device
            )
            place = below.sum(-1).clamp(max=block.shape[-1] - 1)
            drawn.append(
                torch.nn.functional.one_hot(place, block.shape[-1]).to(params.dtype)
            )
        return torch.cat(drawn, dim=-1)


def _probabilities(logits: Tensor) -> Tensor:
    width = logits.shape[-1]
    return torch.softmax(logits, dim=-1) * (1 - LEAST) + LEAST / width


def _log_mass(logits: Tensor, one_hot: Tensor) -> Tensor:
    width = logits.shape[-1]
    named = (torch.log_softmax(logits, dim=-1) * one_hot).sum(-1)
    even = torch.full((), math.log(LEAST / width), dtype=named.dtype)
    return torch.logaddexp(named + math.log1p(-LEAST), even.to(named.device))
