"""Rows as families are given them, and what they say of rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.networks.vae import StackedVAE

DENSITIES = ("recon", "elbo", "iw", "plugin")
"""Parts of evidence that are log densities of a row's seen cells."""

PARTS = ("error", "recon", "kl", "elbo", "iw", "plugin")
"""Parts of evidence; `cbvae_cli.families.measure.measure` says what each is."""


@dataclass(frozen=True)
class Rows:
    """Encoded rows as tensors.

    Attributes
    ----------
    values : Tensor, shape (1, n_rows, width)
    seen : bool Tensor, shape (1, n_rows, n_cells)
        In the matrix order of the layout.
    labels : int Tensor, shape (..., 1, n_rows or 1), or None
        Classes of the rows, for networks that look at them.
    """

    values: Tensor
    seen: Tensor
    labels: Tensor | None = None

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
    labels : int array, shape (n_rows,)
        Class of each row.
    rows : list of int array
        Rows that each network speaks of.
    members : list of int
        The member that each network belongs to.
    """

    nets: StackedVAE
    values: NDArray[np.float32]
    seen: NDArray[np.bool_]
    labels: NDArray[np.int64]
    rows: list[NDArray[np.int64]]
    members: list[int]


def expected(
    net: StackedVAE, z: Tensor, width: int, labels: Tensor | None = None
) -> Belief:
    """Decode latent points by one network; columns beyond `width` are left out."""
    params = net.decode(z.to(net.order.device)[None], labels)
    mean, deviation = net.mean(params), net.deviation(params)
    return Belief(
        mean[0, :, :width].cpu().numpy(), deviation[0, :, :width].cpu().numpy()
    )
