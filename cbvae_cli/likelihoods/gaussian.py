"""Normal cells with one learned deviation a column and network."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from cbvae_cli.likelihoods.base import Likelihood, Summing, hide, owner_of, per_cell
from cbvae_cli.table.matrix import Layout, Span

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)
LEAST_DEVIATION = 0.05  # on a scale where the table's deviation is about 1
PRIOR_ROWS = 2.0  # rows' worth of the table's deviation behind a learned one


class Gaussian(Likelihood):
    """Normal density; the decoder gives the mean, the deviation is a parameter.

    A deviation for each row as well did not help on average.

    Parameters
    ----------
    n_nets : int
    widths : tuple of int
        Matrix columns of each cell.
    """

    floor: Tensor
    owner: Tensor

    def __init__(self, n_nets: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        width = sum(widths)
        self.n_params = width
        self.n_cells = len(widths)
        self.register_buffer("owner", owner_of(widths), persistent=False)
        self.log_scale = nn.Parameter(torch.zeros(n_nets, 1, width))
        self.register_buffer(
            "floor", torch.full((n_nets, 1, 1), math.log(LEAST_DEVIATION))
        )

    @classmethod
    def for_span(cls, span: Span, layout: Layout, n_nets: int) -> Gaussian:
        """Build it with one deviation a matrix column."""
        return cls(n_nets, span.widths)

    def lean(self, counts: Tensor, base: Tensor) -> None:
        """Bound the deviations below, the higher the fewer rows a network has.

        Without a bound a column that a network reproduces exactly, a constant one
        say, outweighs all others; a network of few rows believes itself too much.
        """
        least = (PRIOR_ROWS / (counts + PRIOR_ROWS)).sqrt().clamp(min=LEAST_DEVIATION)
        self.floor = least.log()[:, None, None].to(self.log_scale)

    def _log_scale(self) -> Tensor:
        return torch.maximum(self.log_scale, self.floor)

    def log_prob(self, params: Tensor, target: Tensor, observed: Tensor) -> Tensor:
        """Kingma & Welling (2014), appendix C.2, with one deviation a column."""
        log_scale = self._log_scale()
        z = (target - params) * torch.exp(-log_scale)
        each = -0.5 * z.square() - log_scale - HALF_LOG_2PI
        return hide(per_cell(each, self.owner, self.n_cells), observed)

    def summing(self, target: Tensor, observed: Tensor) -> Summing:
        """Fold masks and deviations into two factors a cell."""
        log_scale = self._log_scale()
        seen = observed.index_select(-1, self.owner).to(target.dtype)
        factor = seen * torch.exp(-log_scale)
        at = target * factor
        peak = -(seen * (log_scale + HALF_LOG_2PI)).sum(-1)

        def total(params: Tensor) -> Tensor:
            z = torch.mul(params, factor).sub_(at)
            return peak - 0.5 * z.square_().sum(-1)

        return total

    def mean(self, params: Tensor) -> Tensor:
        """Give the decoder's output."""
        return params

    def deviation(self, params: Tensor) -> Tensor:
        """Give the learned deviation."""
        return torch.exp(self._log_scale()).expand_as(params)

    def sample(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Add normal noise of the learned deviation."""
        noise = torch.from_numpy(rng.standard_normal(params.shape, dtype=np.float32))
        return params + self.deviation(params) * noise.to(params)
