"""Densities of all cells of a row, for a stack of networks at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from cbvae_cli.likelihoods import likelihood_for
from cbvae_cli.likelihoods.base import Likelihood, Summing
from cbvae_cli.table.matrix import Layout


class CellDensities(nn.Module):
    """What decoder outputs, the parameters, say of cells.

    Parameters
    ----------
    layout : Layout
    n_nets : int
    """

    order: Tensor
    owner: Tensor

    def __init__(self, layout: Layout, n_nets: int) -> None:
        super().__init__()
        self.layout = layout
        self.n_nets = n_nets
        cells = [cell for span in layout.spans for cell in span.cells]
        widths = [width for span in layout.spans for width in span.widths]
        owner = torch.repeat_interleave(
            torch.arange(len(cells)), torch.tensor(widths, dtype=torch.long)
        )
        self.register_buffer("order", torch.tensor(cells), persistent=False)
        self.register_buffer("owner", owner, persistent=False)
        self._densities = [
            likelihood_for(span, layout, n_nets) for span in layout.spans
        ]
        self.likelihoods = nn.ModuleList(self._densities)
        self._columns = [(span.start, span.stop) for span in layout.spans]
        self._cells = [len(span.cells) for span in layout.spans]
        self._params = [likelihood.n_params for likelihood in self._densities]

    def arrange(self, observed: Tensor) -> Tensor:
        """Put a mask in table order, shape (..., n_cells), into matrix order."""
        return observed[..., self.order]

    def log_prob(self, params: Tensor, values: Tensor, seen: Tensor) -> Tensor:
        """Log density of the seen cells, in nats, shape (n_nets, n_rows)."""
        total = params.new_zeros(params.shape[:2])
        masks = torch.split(seen, self._cells, dim=-1)
        for (likelihood, block), (start, stop), mask in zip(
            self._blocks(params), self._columns, masks, strict=True
        ):
            cells = likelihood.log_prob(block, values[..., start:stop], mask)
            total = total + cells.sum(-1)
        return total

    def summing(self, values: Tensor, seen: Tensor) -> Summing:
        """Give `log_prob` of rows as a function of parameters, without gradients.

        Quicker than that where the same rows are asked about many times.
        """
        masks = torch.split(seen, self._cells, dim=-1)
        each = [
            likelihood.summing(values[..., start:stop], mask)
            for likelihood, (start, stop), mask in zip(
                self._densities, self._columns, masks, strict=True
            )
        ]

        def total(params: Tensor) -> Tensor:
            blocks = torch.split(params, self._params, dim=-1)
            found = [ask(block) for ask, block in zip(each, blocks, strict=True)]
            return torch.stack(found).sum(0) if found else params.new_zeros(())

        return total

    def mean(self, params: Tensor) -> Tensor:
        """Mean of the encoded cells, shape (n_nets, n_rows, width)."""
        means = [lh.mean(block) for lh, block in self._blocks(params)]
        return torch.cat(means, dim=-1)

    def deviation(self, params: Tensor) -> Tensor:
        """Deviation of the encoded cells, shape (n_nets, n_rows, width)."""
        spreads = [lh.deviation(block) for lh, block in self._blocks(params)]
        return torch.cat(spreads, dim=-1)

    def moments(self, params: Tensor) -> tuple[Tensor, Tensor]:
        """Give `mean` and `deviation`, for less than both cost one by one."""
        pairs = [(lh, block, lh.mean(block)) for lh, block in self._blocks(params)]
        spreads = [lh.deviation_around(mean, block) for lh, block, mean in pairs]
        means = [mean for _, _, mean in pairs]
        return torch.cat(means, dim=-1), torch.cat(spreads, dim=-1)

    def sample_cells(self, params: Tensor, rng: np.random.Generator) -> Tensor:
        """Draw encoded cells, shape (n_nets, n_rows, width)."""
        drawn = [lh.sample(block, rng) for lh, block in self._blocks(params)]
        return torch.cat(drawn, dim=-1)

    def _blocks(self, params: Tensor) -> Iterator[tuple[Likelihood, Tensor]]:
        blocks = torch.split(params, self._params, dim=-1)
        yield from zip(self._densities, blocks, strict=True)

    def squared_error(self, params: Tensor, values: Tensor, seen: Tensor) -> Tensor:
        """Mean squared error over the seen cells, shape (n_nets, n_rows).

        Algorithm 2 of the class-based VAE paper; on the scale of the matrix.
        """
        wrong = (values - self.mean(params)).square()
        seen_of_width = seen.index_select(-1, self.owner)
        kept = torch.where(seen_of_width, wrong, wrong.new_zeros(()))
        return kept.sum(-1) / seen.sum(-1).clamp(min=1)

    def lean(self, counts: Tensor, base: Tensor) -> None:
        """Lean networks of few rows on the whole table; see `Likelihood.lean`."""
        for likelihood, (start, stop) in zip(
            self._densities, self._columns, strict=True
        ):
            likelihood.lean(counts, base[start:stop])
