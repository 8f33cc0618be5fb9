"""`clvae`: one latent space, one normal N(mean, I) a class (the CL-VAE paper)."""

from __future__ import annotations

from typing import ClassVar

import torch

from cbvae_cli.errors import UsageProblem
from cbvae_cli.families.priored import PrioredVAE
from cbvae_cli.networks.priored import PriorVAE
from cbvae_cli.networks.priors import separate
from cbvae_cli.networks.vae import Shape
from cbvae_cli.table.matrix import Layout


class ClassLatentVAE(PrioredVAE):
    """Each class is drawn to a mean of its own.

    The loss is gamma times the reconstruction plus beta times the divergence from the
    prior of the row's own class.
    """

    name: ClassVar[str] = "clvae"
    options: ClassVar[tuple[str, ...]] = (*PrioredVAE.options, "gamma", "beta")

    @classmethod
    def networks(
        cls,
        layout: Layout,
        shape: Shape,
        n_nets: int,
        generator: torch.Generator,
        n_classes: int,
    ) -> PriorVAE:
        """Make untrained networks."""
        return PriorVAE(layout, shape, n_nets, generator, n_classes, separate)

    @classmethod
    def check(cls, n_classes: int, latent: int) -> None:
        """Refuse three classes or more on a line."""
        if latent < 2 < n_classes:
            raise UsageProblem(
                f"--model {cls.name} cannot set {n_classes} classes apart in one "
                "latent dimension",
                expected="--latent 2 or more",
            )
