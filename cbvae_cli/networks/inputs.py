"""How an encoder sees rows with hidden cells."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Inputs(nn.Module, ABC):
    """Joins cells and what is known of them into encoder inputs.

    Attributes
    ----------
    n_inputs : int
    """

    n_inputs: int

    @abstractmethod
    def forward(self, values: Tensor, seen: Tensor, noise: Tensor | None) -> Tensor:
        """Give encoder inputs.

        Parameters
        ----------
        values : Tensor, shape (n_nets or 1, n_rows, width)
        seen : bool Tensor, shape (n_nets or 1, n_rows, n_cells)
        noise : Tensor, shape like `values`, or None for the stored draw

        Returns
        -------
        Tensor, shape (n_nets or 1, n_rows, n_inputs)
        """


class MaskInputs(Inputs):
    """Hidden cells are 0 and the mask is an input of its own."""

    owner: Tensor

    def __init__(self, owner: Tensor, n_cells: int) -> None:
        super().__init__()
        self.n_inputs = len(owner) + n_cells
        self.register_buffer("owner", owner, persistent=False)

    def forward(self, values: Tensor, seen: Tensor, noise: Tensor | None) -> Tensor:
        """Join cells and mask; noise is not used."""
        mask = seen.to(values.dtype)
        return torch.cat([values * mask.index_select(-1, self.owner), mask], dim=-1)


class NoiseInputs(Inputs):
    """Hidden cells hold N(0, 1) noise and nothing tells them from seen ones.

    As in section 3.1 of the class-based VAE paper (Rojas, Makwae & Shar). After
    training one draw a column is kept, so that an answer does not change between
    runs or with the order of rows.
    """

    owner: Tensor
    kept: Tensor

    def __init__(self, owner: Tensor, generator: torch.Generator) -> None:
        super().__init__()
        self.n_inputs = len(owner)
        self.register_buffer("owner", owner, persistent=False)
        self.register_buffer("kept", torch.randn(len(owner), generator=generator))

    def forward(self, values: Tensor, seen: Tensor, noise: Tensor | None) -> Tensor:
        """Put noise in the place of hidden cells."""
        drawn = self.kept if noise is None else noise
        return torch.where(seen.index_select(-1, self.owner), values, drawn)
