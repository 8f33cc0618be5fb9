"""`dvae`: classes at +mu and -mu of one latent space (the DVAAN paper)."""

from __future__ import annotations

from typing import ClassVar

import torch

from cbvae_cli.errors import UsageProblem
from cbvae_cli.families.priored import PrioredVAE
from cbvae_cli.networks.priored import PriorVAE
from cbvae_cli.networks.priors import SimplexPrior
from cbvae_cli.networks.vae import Shape
from cbvae_cli.records import Settings
from cbvae_cli.table.matrix import Layout


def at_mu(n_nets: int, n_classes: int, latent: int) -> SimplexPrior:
    """Put classes at the corners of a simplex, at the usual distance from 0."""
    return SimplexPrior(n_nets, n_classes, latent, Settings().mu)


class DiscriminativeVAE(PrioredVAE):
    """Priors N(+mu, I) and N(-mu, I); corners of a simplex for more classes."""

    name: ClassVar[str] = "dvae"
    options: ClassVar[tuple[str, ...]] = (*PrioredVAE.options, "mu")

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
        return PriorVAE(layout, shape, n_nets, generator, n_classes, at_mu)

    @classmethod
    def check(cls, n_classes: int, latent: int) -> None:
        """Refuse a simplex of more dimensions than there are."""
        if latent < n_classes - 1:
            raise UsageProblem(
                f"--model {cls.name} needs {n_classes - 1} latent dimensions for "
                f"{n_classes} classes, each as far from all others; there are {latent}",
                expected=f"--latent {n_classes - 1} or more",
            )

    def begin(self, settings: Settings) -> None:
        """Set mu."""
        prior = self.nets.prior
        assert isinstance(prior, SimplexPrior)
        prior.mu.data.fill_(settings.mu)
