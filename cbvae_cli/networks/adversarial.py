"""Autoencoders whose decoder feeds a discriminator of classes."""

from __future__ import annotations

import torch
from torch import Tensor

from cbvae_cli.networks.discriminator import Discriminator
from cbvae_cli.networks.priored import PriorFor, PriorVAE
from cbvae_cli.networks.vae import Shape
from cbvae_cli.table.matrix import Layout


class AdversarialVAE(PriorVAE):
    """A discriminator looks at rows, real and decoded, as the encoder does.

    Parameters
    ----------
    layout, shape, n_nets, generator, n_classes, prior_for
        As in `PriorVAE`. The discriminator has the encoder's hidden layers.
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
        super().__init__(layout, shape, n_nets, generator, n_classes, prior_for)
        self.discriminator = Discriminator(
            n_nets, self.inputs.n_inputs, shape.hidden, n_classes, generator
        )

    def look(
        self, values: Tensor, seen: Tensor, noise: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Show rows to the discriminator.

        Parameters
        ----------
        values : Tensor, shape (n_nets or 1, n_rows, width)
        seen : bool Tensor, shape (n_nets or 1, n_rows, n_cells)
        noise : Tensor, optional
            For `NoiseInputs` in training.

        Returns
        -------
        features : Tensor, shape (n_nets, n_rows, n_features)
        log_p : Tensor, shape (n_nets, n_rows, n_classes)
            Log p(class given seen cells).
        """
        features, logits = self.discriminator(self.inputs(values, seen, noise))
        return features, torch.log_softmax(logits, dim=-1)

    def tell(self, values: Tensor, seen: Tensor) -> Tensor:
        """Give log p(class given seen cells), shape (n_nets, n_rows, n_classes)."""
        return self.look(values, seen)[1]

    def features(self, values: Tensor, seen: Tensor, noise: Tensor | None) -> Tensor:
        """Give features of rows, through which no gradient reaches the weights."""
        return self.discriminator.features(self.inputs(values, seen, noise))
