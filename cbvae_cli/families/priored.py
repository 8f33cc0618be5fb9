"""Families of one latent space in which each class has a prior of its own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.families.measure import draws_each, measure
from cbvae_cli.families.rows import Rows
from cbvae_cli.families.shared import SharedVAE
from cbvae_cli.networks.priored import PriorVAE
from cbvae_cli.networks.vae import Shape
from cbvae_cli.table.matrix import Layout


class PrioredVAE(SharedVAE):
    """Networks that see no label: classes differ by where the latent space has them.

    So the reconstruction of a row is the same under every class, and the rules that
    read nothing else have no answer.
    """

    rules: ClassVar[tuple[str, ...]] = ("posterior", "likelihood")
    nets: PriorVAE

    @classmethod
    @abstractmethod
    def networks(
        cls,
        layout: Layout,
        shape: Shape,
        n_nets: int,
        generator: torch.Generator,
        n_classes: int,
    ) -> PriorVAE:
        """Make untrained networks."""

    @classmethod
    def build(
        cls,
        layout: Layout,
        classes: Sequence[str],
        shape: Shape,
        n_members: int,
        seed: int,
    ) -> Self:
        """Make an untrained family."""
        generator = torch.Generator().manual_seed(seed)
        nets = cls.networks(layout, shape, n_members, generator, len(classes))
        return cls(layout, len(classes), n_members, draws_each(n_members), nets)

    def evidence(self, rows: Rows, parts: Sequence[str]) -> Tensor:
        """Ask the networks once; classes differ in the divergence alone.

        Returns
        -------
        Tensor, shape (n_rows, n_members, n_classes, n_parts)
        """
        every = Rows(rows.values, rows.seen, self.nets.every)
        return measure(self.nets, every, parts, self.n_draws).permute(2, 1, 0, 3)

    @torch.inference_mode()
    def embed(self, rows: Rows, place: int, member: int = 0) -> Tensor:
        """Give the posterior mean of rows, whatever their class."""
        return self.nets.posterior(rows.values, rows.seen)[0][member]

    def prior_mean(self, place: int, member: int = 0) -> NDArray[np.float64]:
        """Give the middle of a class's prior, shape (latent,)."""
        found = self.nets.prior.means()[member, place].detach().double()
        middle: NDArray[np.float64] = found.cpu().numpy()
        return middle

    def draw_around(
        self,
        middle: NDArray[Any],
        n_rows: int,
        rng: np.random.Generator,
        member: int = 0,
    ) -> NDArray[Any]:
        """Draw encoded rows at latent points of N(middle, I).

        Parameters
        ----------
        middle : float array, shape (latent,)
            Of a class, from `prior_mean`, or any other: 0 lies between all classes.
        n_rows : int
        rng : numpy.random.Generator
        member : int

        Returns
        -------
        float32 array, shape (n_rows, width)
        """
        z = middle + rng.standard_normal((n_rows, len(middle)))
        return self.draw_from(torch.from_numpy(z).float(), 0, rng, member)
