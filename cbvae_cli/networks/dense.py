"""Stacks of dense networks: the same layer for many networks in one product."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

# Products of a narrow width that is no multiple of this many numbers (MKL on AMD
# processors) round a row by its place among the others; wider ones do not.
LANES = 4
NARROW = 16


class StackedLinear(nn.Module):
    """An affine layer for each of several networks.

    Parameters
    ----------
    n_nets, n_in, n_out : int
    generator : torch.Generator
        Source of the initial weights: uniform within 1 / sqrt(n_in), as torch's
        own linear layer.
    """

    def __init__(
        self, n_nets: int, n_in: int, n_out: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        bound = 1 / math.sqrt(max(n_in, 1))
        weight = torch.empty(n_nets, n_in, n_out)
        bias = torch.empty(n_nets, 1, n_out)
        self.weight = nn.Parameter(weight.uniform_(-bound, bound, generator=generator))
        self.bias = nn.Parameter(bias.uniform_(-bound, bound, generator=generator))

    def forward(self, x: Tensor) -> Tensor:
        """Map (n_nets or 1, n_rows, n_in) to (n_nets, n_rows, n_out)."""
        if x.shape[0] != self.weight.shape[0]:
            x = x.expand(self.weight.shape[0], -1, -1)
        width = self.weight.shape[2]
        if width >= NARROW or width % LANES == 0:
            return torch.baddbmm(self.bias, x, self.weight)
        spare = (0, -width % LANES)
        weight, bias = (
            functional.pad(self.weight, spare),
            functional.pad(self.bias, spare),
        )
        return torch.baddbmm(bias, x, weight)[..., :width].contiguous()


class StackedMLP(nn.Module):
    """Dense layers with SiLU between them.

    Parameters
    ----------
    n_nets : int
    sizes : sequence of int
        Inputs, hidden layers, outputs.
    generator : torch.Generator
    """

    def __init__(
        self, n_nets: int, sizes: tuple[int, ...], generator: torch.Generator
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            StackedLinear(n_nets, n_in, n_out, generator)
            for n_in, n_out in pairwise(sizes)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (n_nets or 1, n_rows, inputs) to (n_nets, n_rows, outputs)."""
        *hidden, last = self.layers
        for layer in hidden:
            x = functional.silu(layer(x))
        out: Tensor = last(x)
        return out
