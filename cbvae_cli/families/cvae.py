"""`cvae`: a conditional variational autoencoder, told the label on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import torch

from cbvae_cli.families.measure import draws_each
from cbvae_cli.families.shared import SharedVAE
from cbvae_cli.networks.conditional import ConditionalVAE
from cbvae_cli.networks.vae import Shape
from cbvae_cli.table.matrix import Layout


class ConditionedVAE(SharedVAE):
    """The label enters encoder and decoder; evidence fixes it to each class.

    Sohn, Lee & Yan (2015); a baseline of the DVAAN paper.
    """

    name: ClassVar[str] = "cvae"
    rules: ClassVar[tuple[str, ...]] = (
        *("posterior", "likelihood", "probability", "error"),
    )
    shares_latent: ClassVar[bool] = False  # the encoder is told the label

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
        nets = ConditionalVAE(layout, shape, n_members, generator, len(classes))
        return cls(layout, len(classes), n_members, draws_each(n_members), nets)
