"""Normal cells of unit deviation: squared error, as the papers have it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cbvae_cli.likelihoods.base import Likelihood, hide, owner_of, per_cell
from cbvae_cli.likelihoods.gaussian import HALF_LOG_2PI
from cbvae_cli.table.matrix import Layout, Span


class UnitGaussian(Likelihood):
    """Normal density of unit deviation on every matrix column, one-hot ones included.

    Parameters
    ----------
    widths : tuple of int
        Matrix columns of each cell.
    """

    owner: Tensor

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.n_params = sum(widths)
        self.n_cells = len(widths)
        self.register_buffer("owner", owner_of(widths), persistent=False)

    @classmethod
    def for_span(cls, span: Span, layout: Layout, n_nets: int) -> UnitGaussian:
        """Build it from the widths of the span's cells."""
        return cls(span.widths)

    def log_prob(self, params: Tensor, target: Tensor, observed: Tensor) -> Tensor:
        """Half the squared error below the density's peak, summed over a cell."""
        each = -0.5 * (target - params).square() - HALF_LOG_2PI
        return hide(per_cell(each, self.owner, self.n_cells), observed)

    def mean(self, params: Tensor) -> Tensor:
        """Give the decoder's output."""
        return params

    def deviation(self, params: Tensor) -> Tensor:
        """Give 0: the unit deviation is a convention, not a finding."""
        return torch.zeros_like(params)

    def sample(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Give the mean, for the same reason."""
        return params
