"""`vae`: one pooled variational autoencoder, the label one more categorical column."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.families.contract import Belief, Family, Plan, Rows
from cbvae_cli.families.measure import believe, density, draws_each, measure
from cbvae_cli.networks.vae import Shape, StackedVAE
from cbvae_cli.table.category import Category
from cbvae_cli.table.matrix import Encoded, Layout


class PooledVAE(Family):
    """One network for p(row, label); its evidence fixes the label to each class.

    The baseline of the class-based VAE paper. The label's block is the last of the
    networks' matrix, so the table's matrix is a prefix of it.

    Parameters
    ----------
    layout : Layout
        Of the table's columns.
    n_classes, n_members, n_draws : int
    nets : StackedVAE
        One a member, over the table's columns and the label.
    """

    name: ClassVar[str] = "vae"
    rules: ClassVar[tuple[str, ...]] = (
        *("posterior", "likelihood", "probability", "error"),
    )

    def __init__(
        self,
        layout: Layout,
        n_classes: int,
        n_members: int,
        n_draws: int,
        nets: StackedVAE,
    ) -> None:
        self.layout = layout
        self.n_classes = n_classes
        self.n_members = n_members
        self.n_draws = n_draws
        self.nets = nets
        self.mixtures = []

    @classmethod
    def build(
        cls,
        layout: Layout,
        classes: Sequence[str],
        shape: Shape,
        n_members: int,
        seed: int,
    ) -> PooledVAE:
        """Make an untrained family."""
        label = Category(tuple(classes), rare=False, storage="string")
        unit = "unit" in layout.likelihoods
        likelihood = "unit" if unit else label.likelihood
        both = Layout((*layout.kinds, label), (*layout.likelihoods, likelihood))
        generator = torch.Generator().manual_seed(seed)
        nets = StackedVAE(both, shape, n_members, generator)
        return cls(layout, len(classes), n_members, draws_each(n_members), nets)

    def member(self, number: int) -> PooledVAE:
        """Give one member as a family of its own, without mixtures."""
        nets = self.nets.only((number,))
        return PooledVAE(self.layout, self.n_classes, 1, self.n_draws, nets)

    def copy(self) -> PooledVAE:
        """Give the same networks as a family of its own, without mixtures."""
        return PooledVAE(
            self.layout,
            self.n_classes,
            self.n_members,
            self.n_draws,
            copy.deepcopy(self.nets).requires_grad_(True).train(),
        )

    def plan(self, encoded: Encoded, labels: NDArray[np.int64]) -> Plan:
        """Give each network all rows, labels beside them."""
        one_hot = np.eye(self.n_classes, dtype=np.float32)[labels]
        values = np.concatenate([encoded.matrix, one_hot], axis=1)
        labelled = np.ones((len(labels), 1), dtype=bool)
        cells = encoded.observed[:, self.cell_order.cpu().numpy()]
        seen = np.concatenate([cells, labelled], axis=1)
        rows = [np.arange(len(labels))] * self.n_members
        return Plan(self.nets, values, seen, rows, list(range(self.n_members)))

    def _labelled(self, rows: Rows, place: int) -> Rows:
        """Set the label of all rows to one class."""
        one_hot = rows.values.new_zeros(1, len(rows), self.n_classes)
        one_hot[..., place] = 1
        known = rows.seen.new_ones(1, len(rows), 1)
        return Rows(
            torch.cat([rows.values, one_hot], dim=-1),
            torch.cat([rows.seen, known], dim=-1),
        )

    def evidence(self, rows: Rows, parts: Sequence[str]) -> Tensor:
        """Ask the networks about each class in turn.

        Returns
        -------
        Tensor, shape (n_rows, n_members, n_classes, n_parts)
        """
        asked = (self._labelled(rows, place) for place in range(self.n_classes))
        found = [measure(self.nets, one, parts, self.n_draws) for one in asked]
        return torch.stack(found, dim=2).transpose(0, 1)

    def fill(self, rows: Rows, place: int) -> Belief:
        """Ask the networks with the label given."""
        labelled = self._labelled(rows, place)
        mean, deviation = believe(self.nets, labelled, self.n_draws)
        width = self.layout.width
        return Belief(mean[:, :width].cpu().numpy(), deviation[:, :width].cpu().numpy())

    def density(self, rows: Rows, hidden: Tensor, place: int) -> Tensor:
        """Ask the networks with the label given, shape (n_rows, n_members)."""
        labelled = self._labelled(rows, place)
        label = hidden.new_zeros(1, len(rows), 1)
        both = torch.cat([hidden, label], dim=-1)
        return density(self.nets, labelled, both, self.n_draws)

    @torch.inference_mode()
    def encode(self, rows: Rows, place: int, member: int = 0) -> tuple[Tensor, Tensor]:
        """Give the posterior of rows with the label given."""
        labelled = self._labelled(rows, place)
        mean, log_variance = self.nets.posterior(labelled.values, labelled.seen)
        return mean[member], torch.exp(0.5 * log_variance[member])

    @torch.inference_mode()
    def draw_from(
        self, z: Tensor, place: int, rng: np.random.Generator, member: int = 0
    ) -> NDArray[Any]:
        """Decode latent points and draw cells; the label's own cell is left out."""
        net = self.nets.only((member,))
        params = net.decode(z.to(self.nets.order.device)[None])
        drawn: NDArray[Any] = net.sample_cells(params, rng)[0].cpu().numpy()
        return drawn[:, : self.layout.width]
