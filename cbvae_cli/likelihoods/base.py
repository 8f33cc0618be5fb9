"""What a likelihood must do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from cbvae_cli.table.matrix import Layout, Span

Summing = Callable[[Tensor], Tensor]


class Likelihood(nn.Module, ABC):
    """Density of a run of matrix columns, for a stack of networks at once.

    Shapes: `n_nets` networks, `n_rows` rows, `n_params` decoder outputs, `width`
    matrix columns, `n_cells` table columns. An axis of one network in `target` and
    `observed` is spread over all.

    Attributes
    ----------
    n_params : int
        Decoder outputs it needs.
    """

    n_params: int

    @classmethod
    @abstractmethod
    def for_span(cls, span: Span, layout: Layout, n_nets: int) -> Likelihood:
        """Build it for a span of the matrix."""

    @abstractmethod
    def log_prob(self, params: Tensor, target: Tensor, observed: Tensor) -> Tensor:
        """Log density of each cell, in nats.

        Parameters
        ----------
        params : Tensor, shape (n_nets, n_rows, n_params)
        target : Tensor, shape (n_nets or 1, n_rows, width)
            Encoded cells; finite where hidden.
        observed : bool Tensor, shape (n_nets or 1, n_rows, n_cells)
            A False cell gives exactly 0 and passes no gradient.

        Returns
        -------
        Tensor, shape (n_nets, n_rows, n_cells)
        """

    def summing(self, target: Tensor, observed: Tensor) -> Summing:
        """Give a function from parameters to the sum of `log_prob` over cells.

        For many parameters and the same rows, without gradients: what rows alone say
        is worked out once.

        Parameters
        ----------
        target, observed : Tensor
            As in `log_prob`.

        Returns
        -------
        callable
            From `params` to a Tensor of shape (n_nets, n_rows).
        """
        return lambda params: self.log_prob(params, target, observed).sum(-1)

    @abstractmethod
    def mean(self, params: Tensor) -> Tensor:
        """Give the mean of the encoded cells, shape (n_nets, n_rows, width)."""

    @abstractmethod
    def deviation(self, params: Tensor) -> Tensor:
        """Give the deviation of encoded cells, 0 where `Kind.expected` needs none."""

    def deviation_around(self, mean: Tensor, params: Tensor) -> Tensor:
        """Give `deviation`, where the mean is known already."""
        return self.deviation(params)

    @abstractmethod
    def sample(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Draw encoded cells, shape (n_nets, n_rows, width)."""

    def lean(self, counts: Tensor, base: Tensor) -> None:
        """Lean networks that learn from few rows on what the whole table says.

        Parameters
        ----------
        counts : Tensor, shape (n_nets,)
            Rows that each network learns from.
        base : Tensor, shape (width,)
            Mean of the encoded cells over the whole table.
        """


def per_cell(each: Tensor, owner: Tensor, n_cells: int) -> Tensor:
    """Sum matrix columns to table columns.

    Parameters
    ----------
    each : Tensor, shape (..., width)
    owner : int Tensor, shape (width,)
        Table column of each matrix column.
    n_cells : int

    Returns
    -------
    Tensor, shape (..., n_cells)
    """
    if n_cells == len(owner):
        return each
    return each.new_zeros(*each.shape[:-1], n_cells).index_add(-1, owner, each)


def owner_of(widths: tuple[int, ...]) -> Tensor:
    """Give the table column of each matrix column, shape (width,)."""
    return torch.repeat_interleave(torch.arange(len(widths)), torch.tensor(widths))


def hide(log_prob: Tensor, observed: Tensor) -> Tensor:
    """Give 0, and no gradient, in the place of hidden cells."""
    return torch.where(observed, log_prob, torch.zeros((), dtype=log_prob.dtype))


def width_of(span: Span) -> int:
    """Count the matrix columns of a span."""
    return span.stop - span.start
