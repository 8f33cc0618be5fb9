"""What every family must answer, so that every verb works with each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.families.mixture import Mixture
from cbvae_cli.networks.vae import Shape, StackedVAE
from cbvae_cli.table.matrix import Encoded, Layout

PARTS = ("error", "recon", "kl", "elbo", "iw")


@dataclass(frozen=True)
class Rows:
    """Encoded rows as tensors.

    Attributes
    ----------
    values : Tensor, shape (1, n_rows, width)
    seen : bool Tensor, shape (1, n_rows, n_cells)
        In the matrix order of the layout.
    """

    values: Tensor
    seen: Tensor

    def __len__(self) -> int:
        return self.values.shape[1]


@dataclass(frozen=True)
class Belief:
    """What a class holds to be in each matrix column of a row.

    Attributes
    ----------
    mean, deviation : float32 array, shape (n_rows, width)
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]


@dataclass(frozen=True)
class Plan:
    """The networks that training must fit, and on which rows.

    Attributes
    ----------
    nets : StackedVAE
    values : float32 array, shape (n_rows, width)
        The matrix of the networks, which may hold more than the table's columns.
    seen : bool array, shape (n_rows, n_cells)
        In matrix order.
    member_rows : list of int array
        Rows that each network may learn from.
    """

    nets: StackedVAE
    values: NDArray[np.float32]
    seen: NDArray[np.bool_]
    member_rows: list[NDArray[np.int64]]


class Family(ABC):
    """Models of p(row given class) for every class.

    Attributes
    ----------
    name : str
        Key in `cbvae_cli.families.FAMILIES`.
    rules : tuple of str
        Rules of `classify` that the family can answer.
    layout : Layout
        Of the table's columns.
    n_classes : int
    nets : StackedVAE
    mixtures : list of Mixture
        Aggregate posterior of each class; filled by training.
    """

    name: ClassVar[str]
    rules: ClassVar[tuple[str, ...]]
    layout: Layout
    n_classes: int
    nets: StackedVAE
    mixtures: list[Mixture]

    @classmethod
    @abstractmethod
    def build(
        cls, layout: Layout, classes: Sequence[str], shape: Shape, seed: int
    ) -> Family:
        """Make an untrained family.

        Parameters
        ----------
        layout : Layout
        classes : sequence of str
        shape : Shape
        seed : int
            Of the initial weights.
        """

    @abstractmethod
    def plan(self, encoded: Encoded, labels: NDArray[np.int64]) -> Plan:
        """Say which networks learn from which rows."""

    @abstractmethod
    def evidence(self, rows: Rows, parts: Sequence[str]) -> Tensor:
        """Measure how well each class explains each row.

        Parameters
        ----------
        rows : Rows
        parts : sequence of str
            Names out of `PARTS`.

        Returns
        -------
        Tensor, shape (n_rows, n_classes, n_parts)
        """

    @abstractmethod
    def fill(self, rows: Rows, place: int) -> Belief:
        """Give what a class holds to be in each cell, seen or not."""

    @abstractmethod
    def sample(self, place: int, n_rows: int, rng: np.random.Generator) -> NDArray[Any]:
        """Draw encoded rows of a class, shape (n_rows, width), from its prior."""

    @abstractmethod
    def encode(self, rows: Rows, place: int) -> tuple[Tensor, Tensor]:
        """Give the posterior of rows under a class: mean and deviation.

        Returns
        -------
        mean, deviation : Tensor, shape (n_rows, latent)
        """

    @abstractmethod
    def draw_from(
        self, z: Tensor, place: int, rng: np.random.Generator
    ) -> NDArray[Any]:
        """Draw encoded rows of a class at latent points, shape (n_rows, width)."""

    def rows(self, encoded: Encoded) -> Rows:
        """Turn encoded rows into tensors on the networks' device."""
        device = self.nets.order.device
        values = torch.from_numpy(encoded.matrix).to(device)
        observed = torch.from_numpy(encoded.observed).to(device)
        cells = observed[:, self.cell_order]
        return Rows(values[None], cells[None])

    @property
    def cell_order(self) -> Tensor:
        """Table columns in matrix order, shape (n_columns,)."""
        return self.nets.order[: len(self.layout.kinds)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give weights and mixtures as arrays, by `nets/…` and `mixture/…`."""
        state = self.nets.state_dict()
        found = {f"nets/{name}": t.cpu().numpy() for name, t in state.items()}
        for place, mixture in enumerate(self.mixtures):
            for name, array in mixture.arrays().items():
                found[f"mixture/{place}/{name}"] = array
        return found

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `arrays` gave; raises KeyError or RuntimeError on a misfit."""
        state = {
            name.removeprefix("nets/"): torch.from_numpy(array)
            for name, array in arrays.items()
            if name.startswith("nets/")
        }
        self.nets.load_state_dict(state, strict=True)
        self.mixtures = [
            Mixture(**{n: arrays[f"mixture/{place}/{n}"] for n in Mixture.FIELDS})
            for place in range(self.n_classes)
        ]
