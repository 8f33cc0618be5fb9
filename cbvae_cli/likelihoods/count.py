"""Cells that count something."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from cbvae_cli.likelihoods.base import Likelihood, Summing, hide
from cbvae_cli.table.count import Count
from cbvae_cli.table.matrix import Layout, Span

LEAST_MEAN = 1e-4  # of a column's counts
LOG_RATES = (-12.0, 12.0)  # bounds that keep the mass within float32


class NegativeBinomial(Likelihood):
    """Negative binomial mass with one learned dispersion a column and network.

    The decoder gives the log of the mean count, less that of the whole table's: a
    column of rare events starts at its own rate. Variance is mean + mean^2 /
    dispersion.

    Parameters
    ----------
    centre, spread : Tensor, shape (width,)
        Of log(1 + count); see `cbvae_cli.table.count.Count`.
    mean : Tensor, shape (width,)
        Mean count.
    n_nets : int
    """

    centre: Tensor
    spread: Tensor
    log_mean: Tensor

    def __init__(
        self, centre: Tensor, spread: Tensor, mean: Tensor, n_nets: int
    ) -> None:
        super().__init__()
        self.n_params = len(centre)
        self.log_dispersion = nn.Parameter(torch.ones(n_nets, 1, len(centre)))
        self.register_buffer("centre", centre, persistent=False)
        self.register_buffer("spread", spread, persistent=False)
        log_mean = mean.clamp(min=LEAST_MEAN).log()
        self.register_buffer("log_mean", log_mean, persistent=False)

    @classmethod
    def for_span(cls, span: Span, layout: Layout, n_nets: int) -> NegativeBinomial:
        """Build it with the scales of the span's columns."""
        counts = [layout.kinds[cell] for cell in span.cells]
        scales = [(c.centre, c.spread, c.mean) for c in counts if isinstance(c, Count)]
        centre, spread, mean = torch.tensor(scales, dtype=torch.float32).unbind(1)
        return cls(centre, spread, mean, n_nets)

    def _rate(self, params: Tensor) -> Tensor:
        return (params + self.log_mean).clamp(*LOG_RATES).exp()

    def _dispersion(self) -> Tensor:
        return self.log_dispersion.clamp(-3.0, 7.0).exp()

    def _count(self, target: Tensor) -> Tensor:
        return torch.expm1(target * self.spread + self.centre).round().clamp(min=0)

    def log_prob(self, params: Tensor, target: Tensor, observed: Tensor) -> Tensor:
        """Log mass of the count behind the encoded cell, in nats."""
        count = self._count(target)
        rate, size = self._rate(params), self._dispersion()
        total = torch.log(size + rate)
        mass = (
            torch.lgamma(count + size)
            - torch.lgamma(size)
            - torch.lgamma(count + 1)
            + size * (size.log() - total)
            + count * (rate.log() - total)
        )
        return hide(mass, observed)

    def summing(self, target: Tensor, observed: Tensor) -> Summing:
        """Work out the gamma functions once."""
        count, size = self._count(target), self._dispersion()
        fixed = torch.lgamma(count + size) - torch.lgamma(size)
        fixed = fixed - torch.lgamma(count + 1) + size * size.log()
        fixed = hide(fixed, observed).sum(-1)
        count, size = count * observed, size * observed

        def total(params: Tensor) -> Tensor:
            log_rate = (params + self.log_mean).clamp_(*LOG_RATES)
            both = torch.log(self._dispersion() + log_rate.exp())
            return fixed + (count * log_rate - (count + size) * both).sum(-1)

        return total

    def mean(self, params: Tensor) -> Tensor:
        """Give the mean count on the network's scale."""
        return (torch.log1p(self._rate(params)) - self.centre) / self.spread

    def deviation(self, params: Tensor) -> Tensor:
        """Give 0: `Count.expected` needs none."""
        return torch.zeros_like(params)

    def sample(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Draw a rate from a gamma distribution, then a Poisson count."""
        rate = self._rate(params).double().cpu().numpy()
        size = self._dispersion().double().expand_as(params).cpu().numpy()
        counts = rng.poisson(np.minimum(rng.gamma(size, rate / size), 1e6))
        drawn = torch.from_numpy(np.log1p(counts)).to(params)
        return (drawn - self.centre) / self.spread
