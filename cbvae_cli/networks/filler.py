"""A network that fills hidden cells from seen ones: masked regression, all classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from cbvae_cli.networks.dense import StackedLinear

WIDTH = 192
BLOCKS = 3


class Filler(nn.Module):
    """A residual trunk from seen cells, their mask and the row's class to all cells.

    Parameters
    ----------
    n_inputs, n_cells, n_classes : int
        Inputs: the encoded matrix, amounts, the mask, the class; outputs; classes.
    amounts : sequence of int
        Cell columns that hold amounts.
    names : sequence of slice
        Cell columns of each table column of names: logits become probabilities.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(
        self,
        n_inputs: int,
        n_cells: int,
        n_classes: int,
        amounts: Sequence[int],
        names: Sequence[slice],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.amounts = list(amounts)
        self.names = list(names)
        self.entry = StackedLinear(1, n_inputs, WIDTH, generator)
        self.blocks = nn.ModuleList(
            StackedLinear(1, WIDTH, WIDTH, generator) for _ in range(BLOCKS)
        )
        self.exit = StackedLinear(1, WIDTH, n_cells, generator)

    def forward(
        self, encoded: Tensor, cells: Tensor, seen: Tensor, labels: Tensor
    ) -> Tensor:
        """Give amounts, and logits of names.

        Parameters
        ----------
        encoded : Tensor, shape (n_rows, n_encoded)
            Hidden cells are 0.
        cells : Tensor, shape (n_rows, n_cells)
            Hidden cells are 0.
        seen : bool Tensor, shape (n_rows, n_columns)
        labels : int Tensor, shape (n_rows,)

        Returns
        -------
        Tensor, shape (n_rows, n_cells)
        """
        told = functional.one_hot(labels, self.n_classes)
        inputs = [encoded, cells[:, self.amounts], seen, told]
        x = torch.cat([part.to(encoded.dtype) for part in inputs], dim=-1)[None]
        x = functional.silu(self.entry(x))
        for block in self.blocks:
            x = x + functional.silu(block(x))
        found: Tensor = self.exit(x)[0]
        return found

    def expected(
        self, encoded: Tensor, cells: Tensor, seen: Tensor, labels: Tensor
    ) -> Tensor:
        """Give amounts and probabilities of names, shape (n_rows, n_cells)."""
        found = self.forward(encoded, cells, seen, labels)
        for block in self.names:
            found[:, block] = found[:, block].softmax(dim=-1)
        return found
