"""Where classes lie in a latent space that they share: a normal N(mean, I) each."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

APART = 6.0  # deviations between the means of neighbours: they hardly overlap
TOUCHING = 1e-6  # no two means are taken for nearer


class Prior(nn.Module, ABC):
    """One normal of unit variance a class, for each of several networks."""

    @abstractmethod
    def means(self) -> Tensor:
        """Give the classes' means, shape (n_nets, n_classes, latent)."""

    def of(self, labels: Tensor) -> Tensor:
        """Give the means of rows.

        Parameters
        ----------
        labels : int Tensor, shape (..., n_nets or 1, n_rows or 1)
            Axes in front are kept, so that one pass can ask about several classes.

        Returns
        -------
        Tensor, shape (..., n_nets, n_rows or 1, latent)
        """
        means = self.means()
        nets = torch.arange(len(means), device=means.device)[:, None]
        return means[nets, labels]


class SimplexPrior(Prior):
    """Means at the corners of a regular simplex about 0: +mu and -mu for two classes.

    Parameters
    ----------
    n_nets, n_classes, latent : int
        At least n_classes - 1 latent dimensions.
    radius : float
    """

    corners: Tensor

    def __init__(self, n_nets: int, n_classes: int, latent: int, radius: float) -> None:
        super().__init__()
        corners = simplex(n_classes, latent)
        self.register_buffer("corners", corners, persistent=False)
        # Kept with the weights of its step; what moves it is no gradient.
        mu = torch.full((n_nets, 1, 1), radius)
        self.mu = nn.Parameter(mu, requires_grad=False)

    def means(self) -> Tensor:
        """Give the corners at distance mu from 0."""
        return self.mu * self.corners


class LearntPrior(Prior):
    """Means that are learnt, started evenly on a sphere; the nearest two stay `APART`.

    Their arrangement is learnt, not their scale: every row that is hard to name draws
    the means of its classes together, and in the end classes would lie in each other.

    Parameters
    ----------
    n_nets, n_classes, latent : int
        Two latent dimensions or more.
    """

    def __init__(self, n_nets: int, n_classes: int, latent: int) -> None:
        super().__init__()
        start = on_sphere(n_classes, latent)
        self.middles = nn.Parameter(start.repeat(n_nets, 1, 1))

    def means(self) -> Tensor:
        """Give the means as learnt so far, shape (n_nets, n_classes, latent)."""
        return self.middles * (APART / _least_gap(self.middles))


def separate(n_nets: int, n_classes: int, latent: int) -> Prior:
    """Put classes `APART` deviations from each other.

    At the corners of a simplex, where there are dimensions enough for one, and there
    to stay; on a sphere otherwise, from where they move.
    """
    if latent < n_classes - 1:
        return LearntPrior(n_nets, n_classes, latent)
    radius = APART * math.sqrt((n_classes - 1) / (2 * n_classes))
    return SimplexPrior(n_nets, n_classes, latent, radius)


def simplex(n_classes: int, latent: int) -> Tensor:
    """Give the corners of a regular simplex on the unit sphere, (n_classes, latent).

    Rows of the Helmert matrix, without its first column. One class lies at 0.
    """
    axis = torch.arange(1, n_classes, dtype=torch.float64)
    place = torch.arange(n_classes, dtype=torch.float64)[:, None]
    ahead = torch.where(place < axis, 1.0, torch.where(place == axis, -axis, 0.0))
    corners = ahead / torch.sqrt(axis * (axis + 1))
    if n_classes > 1:
        corners = corners / math.sqrt(1 - 1 / n_classes)
    found = torch.zeros(n_classes, latent, dtype=torch.float64)
    found[:, : n_classes - 1] = corners
    return found.float()


def on_sphere(n_points: int, n_dims: int) -> Tensor:
    """Spread points on a sphere about 0, neighbours `APART`, (n_points, n_dims).

    The real Fourier basis, lowest frequencies first: every point sees the others
    alike. In two dimensions a circle.
    """
    turn = 2 * math.pi * torch.arange(n_points, dtype=torch.float64) / n_points
    waves = [
        wave(frequency * turn)
        for frequency in range(1, n_dims // 2 + 1)
        for wave in (torch.cos, torch.sin)
    ]
    if n_dims % 2:
        waves.append(torch.cos(torch.arange(n_points) * math.pi).double())
    points = torch.stack(waves, dim=1)
    return (points * (APART / _least_gap(points))).float()


def _least_gap(points: Tensor) -> Tensor:
    """Distance of the nearest two points, shape (..., 1, 1)."""
    own = torch.eye(points.shape[-2], dtype=torch.bool, device=points.device)
    gaps = torch.cdist(points, points).masked_fill(own, torch.inf)
    return gaps.amin(dim=(-2, -1), keepdim=True).clamp(min=TOUCHING)
