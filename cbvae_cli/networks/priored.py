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

    def given_class(
        self, mean: Tensor, log_variance: Tensor, labels: Tensor | None = None
    ) -> Tensor:
        """Move posteriors to where they lie once the rows' classes are known.

        An encoder that does not know the class learns the posterior under the prior
        N(m, I), m the mean that the row's cells let it expect. Under the prior of the
        class the posterior is as wide, and moved by its variance times the way from m
        to the class's mean. How likely the classes are is taken from the divergences.
        """
        share = self.divergence(mean, log_variance, self.every).neg().softmax(0)
        expected = (share[..., None] * self.prior.of(self.every)).sum(0)
        variance = log_variance.clamp(max=0).exp()  # no more than the prior's
        return mean + variance * (self._middle(labels) - expected)

    def _middle(self, labels: Tensor | None) -> Tensor:
        assert labels is not None, "these priors need the class of every row"
        return self.prior.of(labels)
