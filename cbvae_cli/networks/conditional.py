"""Autoencoders that are told the class of a row on both sides."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from cbvae_cli.networks.vae import Shape, StackedVAE
from cbvae_cli.table.matrix import Layout


class ConditionalVAE(StackedVAE):
    """The label enters encoder and decoder; one prior N(0, I) for all classes.

    Sohn, Lee & Yan (2015).

    Parameters
    ----------
    layout : Layout
    shape : Shape
    n_nets : int
    generator : torch.Generator
    n_classes : int
    """

    def __init__(
        self,
        layout: Layout,
        shape: Shape,
        n_nets: int,
        generator: torch.Generator,
        n_classes: int,
    ) -> None:
        super().__init__(layout, shape, n_nets, generator, n_told=n_classes)
        self.n_classes = n_classes

    def _untrained(self, n_nets: int) -> Self:
        generator = torch.Generator()
        return type(self)(self.layout, self.shape, n_nets, generator, self.n_classes)

    def posterior(
        self,
        values: Tensor,
        seen: Tensor,
        noise: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Encode rows of known classes."""
        return self._posterior(self._told(self.inputs(values, seen, noise), labels))

    def decode(self, z: Tensor, labels: Tensor | None = None) -> Tensor:
        """Decode latent points of known classes."""
        params: Tensor = self.decoder(self._told(z, labels))
        return params

    def _told(self, x: Tensor, labels: Tensor | None) -> Tensor:
        """Set labels beside numbers, shape (n_nets or 1, n_rows, n + n_classes)."""
        assert labels is not None, "these networks need the class of every row"
        named = functional.one_hot(labels, self.n_classes).to(x)
        n_nets = max(len(x), len(named))
        both = (part.expand(n_nets, -1, -1) for part in (x, named))
        return torch.cat(list(both), dim=-1)
