"""Cells of two values."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from cbvae_cli.likelihoods.base import Likelihood, hide, width_of
from cbvae_cli.likelihoods.categorical import LEAST
from cbvae_cli.table.matrix import Layout, Span

PRIOR_ROWS = 2.0  # rows' worth of the table's shares behind what a network says


class Bernoulli(Likelihood):
    """Bernoulli mass; the decoder gives the logit of the value 1.

    A network of n rows speaks for n of n + `PRIOR_ROWS` parts, the whole table for
    the others, so that no value is impossible.

    Parameters
    ----------
    n_nets, width : int
    """

    base: Tensor
    share: Tensor

    def __init__(self, n_nets: int, width: int) -> None:
        super().__init__()
        self.n_params = width
        self.register_buffer("base", torch.full((width,), 0.5))
        self.register_buffer("share", torch.full((n_nets, 1, 1), LEAST))

    @classmethod
    def for_span(cls, span: Span, layout: Layout, n_nets: int) -> Bernoulli:
        """Build it."""
        return cls(n_nets, width_of(span))

    def lean(self, counts: Tensor, base: Tensor) -> None:
        """Mix in the table's shares."""
        share = (PRIOR_ROWS / (counts + PRIOR_ROWS)).clamp(min=LEAST)
        self.share = share[:, None, None].to(self.share)
        self.base = base.clamp(LEAST, 1 - LEAST).to(self.base)

    def log_prob(self, params: Tensor, target: Tensor, observed: Tensor) -> Tensor:
        """Log mass of the value, in nats."""
        own = functional.logsigmoid(params * (2 * target - 1))
        table = torch.log(torch.where(target > 0.5, self.base, 1 - self.base))
        mixed = torch.logaddexp(
            torch.log1p(-self.share) + own, torch.log(self.share) + table
        )
        return hide(mixed, observed)

    def mean(self, params: Tensor) -> Tensor:
        """Give the probability of the value 1."""
        return (1 - self.share) * torch.sigmoid(params) + self.share * self.base

    def deviation(self, params: Tensor) -> Tensor:
        """Give the standard deviation of a Bernoulli cell."""
        return self.deviation_around(self.mean(params), params)

    def deviation_around(self, mean: Tensor, params: Tensor) -> Tensor:
        """Give the standard deviation of cells of known means."""
        return (mean * (1 - mean)).sqrt()

    def sample(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Draw 0 or 1."""
        uniform = torch.from_numpy(rng.random(params.shape, dtype=np.float32))
        return (uniform.to(params.device) < self.mean(params)).to(params.dtype)
