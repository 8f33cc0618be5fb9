"""Autoencoders of one latent space in which each class has a prior of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import torch
from torch import Tensor

from cbvae_cli.networks.priors import Prior
from cbvae_cli.networks.vae import Shape, StackedVAE, kl_to_standard
from cbvae_cli.table.matrix import Layout

PriorFor = Callable[[int, int, int], Prior]
"""Makes a prior for so many networks, classes and latent dimensions."""


class PriorVAE(StackedVAE):
    """Encoder and decoder never see a label: it says which prior a row is drawn to.

    Parameters
    ----------
    layout : Layout
    shape : Shape
    n_nets : int
    generator : torch.Generator
    n_classes : int
    prior_for : callable
    """

    def __init__(
        self,
        layout: Layout,
        shape: Shape,
        n_nets: int,
        generator: torch.Generator,
        n_classes: int,
        prior_for: PriorFor,
    ) -> None:
        super().__init__(layout, shape, n_nets, generator)
        self.n_classes = n_classes
        self.prior_for = prior_for
        self.prior = prior_for(n_nets, n_classes, shape.latent)

    def _untrained(self, n_nets: int) -> Self:
        return type(self)(
            self.layout,
            self.shape,
            n_nets,
            torch.Generator(),
            self.n_classes,
            self.prior_for,
        )

    @property
    def every(self) -> Tensor:
        """All classes, on an axis in front of networks and rows."""
        return torch.arange(self.n_classes, device=self.order.device)[:, None, None]

    def divergence(
        self, mean: Tensor, log_variance: Tensor, labels: Tensor | None = None
    ) -> Tensor:
        """Divergence of posteriors from the priors of the rows' classes, in nats.

        1/2 sum(s^2 + (m - mu)^2 - 1 - ln s^2), in closed form.
        """
        return kl_to_standard(mean - self._middle(labels), log_variance)

    def log_prior(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Log density of latent points under the rows' classes."""
        return -0.5 * (z - self._middle(labels)).square().sum(-1)

    def standing(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Log p(class given latent point), classes being equally frequent.

        Rows and classes meet in the latent space alone, so that p(z given row and
        class) is as p(z given row) p(class given z).
        """
        assert labels is not None, "a point speaks for a class"
        among = torch.log_softmax(self.log_prior(z, self.every), dim=0)
        return among.gather(0, labels.expand(z.shape[:-1])[None])[0]

    def _middle(self, labels: Tensor | None) -> Tensor:
        assert labels is not None, "these priors need the class of every row"
        return self.prior.of(labels)
