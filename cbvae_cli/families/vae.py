"""`vae`: one pooled variational autoencoder, the label one more categorical column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.families.measure import draws_each
from cbvae_cli.families.rows import Plan, Rows
from cbvae_cli.families.shared import SharedVAE
from cbvae_cli.networks.vae import Shape, StackedVAE
from cbvae_cli.table.category import Category
from cbvae_cli.table.matrix import Encoded, Layout


class PooledVAE(SharedVAE):
    """One network for p(row, label); its evidence fixes the label to each class.

    The baseline of the class-based VAE paper. The label's block is the last of the
    networks' matrix, so the table's matrix is a prefix of it.
    """

    name: ClassVar[str] = "vae"
    rules: ClassVar[tuple[str, ...]] = (
        *("posterior", "likelihood", "probability", "error"),
    )

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
        label = Category(tuple(classes), rare=False, storage="string")
        unit = "unit" in layout.likelihoods
        likelihood = "unit" if unit else label.likelihood
        both = Layout((*layout.kinds, label), (*layout.likelihoods, likelihood))
        generator = torch.Generator().manual_seed(seed)
        nets = StackedVAE(both, shape, n_members, generator)
        return cls(layout, len(classes), n_members, draws_each(n_members), nets)

    def plan(self, encoded: Encoded, labels: NDArray[np.int64]) -> Plan:
        """Give each network all rows, labels beside them."""
        one_hot = np.eye(self.n_classes, dtype=np.float32)[labels]
        values = np.concatenate([encoded.matrix, one_hot], axis=1)
        labelled = np.ones((len(labels), 1), dtype=bool)
        cells = encoded.observed[:, self.cell_order.cpu().numpy()]
        seen = np.concatenate([cells, labelled], axis=1)
        rows = [np.arange(len(labels))] * self.n_members
        members = list(range(self.n_members))
        return Plan(self.nets, values, seen, labels, rows, members)

    def told(self, rows: Rows, place: int) -> Rows:
        """Set the label of all rows to one class."""
        one_hot = rows.values.new_zeros(1, len(rows), self.n_classes)
        one_hot[..., place] = 1
        known = rows.seen.new_ones(1, len(rows), 1)
        return Rows(
            torch.cat([rows.values, one_hot], dim=-1),
            torch.cat([rows.seen, known], dim=-1),
        )

    @torch.inference_mode()
    def embed(self, rows: Rows, place: int, member: int = 0) -> Tensor:
        """Give the posterior mean of rows whose label is hidden."""
        known = self.told(rows, place)
        seen = known.seen.clone()
        seen[..., -1] = False
        mean, _ = self.nets.posterior(known.values, seen)
        return mean[member]

    def density(self, rows: Rows, hidden: Tensor, place: int) -> Tensor:
        """Ask the networks with the label given, shape (n_rows, n_members)."""
        label = hidden.new_zeros(1, len(rows), 1)
        return super().density(rows, torch.cat([hidden, label], dim=-1), place)
