"""Networks that fill hidden cells from seen ones: masked regression, all classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from cbvae_cli.networks.dense import StackedLinear

WIDTH = 192
BLOCKS = 3


class Filler(nn.Module):
    """Residual trunks from seen cells, their mask and the row's class to all cells.

    Parameters
    ----------
    n_nets : int
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
        n_nets: int,
        n_inputs: int,
        n_cells: int,
        n_classes: int,
        amounts: Sequence[int],
        names: Sequence[slice],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.n_nets = n_nets
        self.n_classes = n_classes
        self.amounts = list(amounts)
        self.names = list(names)
        self.entry = StackedLinear(n_nets, n_inputs, WIDTH, generator)
        self.blocks = nn.ModuleList(
            StackedLinear(n_nets, WIDTH, WIDTH, generator) for _ in range(BLOCKS)
        )
        self.exit = StackedLinear(n_nets, WIDTH, n_cells, generator)

    def forward(
        self, encoded: Tensor, cells: Tensor, seen: Tensor, labels: Tensor
    ) -> Tensor:
        """Give amounts, and logits of names.

        Parameters
        ----------
        encoded : Tensor, shape (n_nets or 1, n_rows, n_encoded)
            Hidden cells are 0.
        cells : Tensor, shape (n_nets or 1, n_rows, n_cells)
            Hidden cells are 0.
        seen : bool Tensor, shape (n_nets or 1, n_rows, n_columns)
        labels : int Tensor, shape (n_nets or 1, n_rows)

        Returns
        -------
        Tensor, shape (n_nets, n_rows, n_cells)
        """
        told = functional.one_hot(labels, self.n_classes)
        inputs = [encoded, cells[..., self.amounts], seen, told]
        x = torch.cat([part.to(encoded.dtype) for part in inputs], dim=-1)
        x = functional.silu(self.entry(x))
        for block in self.blocks:
            x = x + functional.silu(block(x))
        found: Tensor = self.exit(x)
        return found

    def expected(
        self, encoded: Tensor, cells: Tensor, seen: Tensor, labels: Tensor
    ) -> Tensor:
        """Give the networks' mean of amounts and of probabilities of names.

        Parameters
        ----------
        encoded, cells, seen, labels
            As in `forward`, of one axis less.

        Returns
        -------
        Tensor, shape (n_rows, n_cells)
        """
        found = self.forward(encoded[None], cells[None], seen[None], labels[None])
        for block in self.names:
            found[..., block] = found[..., block].softmax(dim=-1)
        return found.mean(dim=0)

    def alone(self, number: int) -> Self:
        """Give one of the networks by itself, weights copied."""
        state = self.state_dict()
        n_inputs, n_cells = state["entry.weight"].shape[1], state["exit.bias"].shape[-1]
        sizes = 1, n_inputs, n_cells, self.n_classes
        one = type(self)(*sizes, self.amounts, self.names, torch.Generator())
        one.load_state_dict({n: t[number : number + 1] for n, t in state.items()})
        return one.eval().requires_grad_(False)
