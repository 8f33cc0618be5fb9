"""`vae`: one pooled variational autoencoder, the label one more categorical column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.families.contract import Belief, Family, Plan, Rows
from cbvae_cli.families.measure import believe, measure
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
    n_classes : int
    nets : StackedVAE
        One network, over the table's columns and the label.
    """

    name: ClassVar[str] = "vae"
    rules: ClassVar[tuple[str, ...]] = ("likelihood", "probability", "error")

    def __init__(self, layout: Layout, n_classes: int, nets: StackedVAE) -> None:
        self.layout = layout
        self.n_classes = n_classes
        self.nets = nets
        self.mixtures = []

    @classmethod
    def build(
        cls, layout: Layout, classes: Sequence[str], shape: Shape, seed: int
    ) -> PooledVAE:
        """Make an untrained family."""
        label = Category(tuple(classes), rare=False, storage="string")
        unit = "unit" in layout.likelihoods
        likelihood = "unit" if unit else label.likelihood
        both = Layout((*layout.kinds, label), (*layout.likelihoods, likelihood))
        generator = torch.Generator().manual_seed(seed)
        return cls(layout, len(classes), StackedVAE(both, shape, 1, generator))

    def plan(self, encoded: Encoded, labels: NDArray[np.int64]) -> Plan:
        """Give the network all rows, labels beside them."""
        one_hot = np.eye(self.n_classes, dtype=np.float32)[labels]
        values = np.concatenate([encoded.matrix, one_hot], axis=1)
        labelled = np.ones((len(labels), 1), dtype=bool)
        cells = encoded.observed[:, self.cell_order.cpu().numpy()]
        seen = np.concatenate([cells, labelled], axis=1)
        return Plan(self.nets, values, seen, [np.arange(len(labels))])

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
        """Ask the network about each class in turn."""
        asked = (self._labelled(rows, place) for place in range(self.n_classes))
        found = [measure(self.nets, labelled, parts)[0] for labelled in asked]
        return torch.stack(found, dim=1)

    def fill(self, rows: Rows, place: int) -> Belief:
        """Ask the network with the label given."""
        mean, deviation = believe(self.nets, self._labelled(rows, place))
        width = self.layout.width
        return Belief(
            mean[0, :, :width].cpu().numpy(), deviation[0, :, :width].cpu().numpy()
        )

    def sample(self, place: int, n_rows: int, rng: np.random.Generator) -> NDArray[Any]:
        """Draw from where the encoder puts rows of a class, and decode."""
        z = torch.from_numpy(self.mixtures[place].draw(n_rows, rng)).float()
        return self.draw_from(z, place, rng)

    @torch.inference_mode()
    def encode(self, rows: Rows, place: int) -> tuple[Tensor, Tensor]:
        """Give the posterior of rows with the label given."""
        labelled = self._labelled(rows, place)
        mean, log_variance = self.nets.posterior(labelled.values, labelled.seen)
        return mean[0], torch.exp(0.5 * log_variance[0])

    @torch.inference_mode()
    def draw_from(
        self, z: Tensor, place: int, rng: np.random.Generator
    ) -> NDArray[Any]:
        """Decode latent points and draw cells; the label's own cell is left out."""
        params = self.nets.decode(z.to(self.nets.order.device)[None])
        drawn: NDArray[Any] = self.nets.sample_cells(params, rng)[0].cpu().numpy()
        return drawn[:, : self.layout.width]
