"""`cbvae`: one variational autoencoder per class (Rojas, Makwae & Shar)."""

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
from cbvae_cli.table.matrix import Encoded, Layout


class ClassVAE(Family):
    """A network per class, each trained on the rows of its class alone.

    Parameters
    ----------
    layout : Layout
    n_classes : int
    nets : StackedVAE
        One a class, in class order.
    """

    name: ClassVar[str] = "cbvae"
    rules: ClassVar[tuple[str, ...]] = ("likelihood", "probability", "error")

    def __init__(self, layout: Layout, n_classes: int, nets: StackedVAE) -> None:
        self.layout = layout
        self.n_classes = n_classes
        self.nets = nets
        self.mixtures = []
        self._single: dict[int, StackedVAE] = {}

    def _net(self, place: int) -> StackedVAE:
        """Give the network of one class; only for trained families."""
        if place not in self._single:
            self._single[place] = self.nets.only(place)
        return self._single[place]

    @classmethod
    def build(
        cls, layout: Layout, classes: Sequence[str], shape: Shape, seed: int
    ) -> ClassVAE:
        """Make an untrained family."""
        generator = torch.Generator().manual_seed(seed)
        nets = StackedVAE(layout, shape, len(classes), generator)
        return cls(layout, len(classes), nets)

    def plan(self, encoded: Encoded, labels: NDArray[np.int64]) -> Plan:
        """Give each network the rows of its class."""
        seen = encoded.observed[:, self.nets.order.cpu().numpy()]
        rows = [np.flatnonzero(labels == place) for place in range(self.n_classes)]
        return Plan(self.nets, encoded.matrix, seen, rows)

    def evidence(self, rows: Rows, parts: Sequence[str]) -> Tensor:
        """Ask every class's network, shape (n_rows, n_classes, n_parts)."""
        return measure(self.nets, rows, parts).transpose(0, 1)

    def fill(self, rows: Rows, place: int) -> Belief:
        """Ask the network of a class."""
        mean, deviation = believe(self._net(place), rows)
        return Belief(mean[0].cpu().numpy(), deviation[0].cpu().numpy())

    def sample(self, place: int, n_rows: int, rng: np.random.Generator) -> NDArray[Any]:
        """Draw from the aggregate posterior of a class and decode."""
        z = torch.from_numpy(self.mixtures[place].draw(n_rows, rng)).float()
        return self.draw_from(z, place, rng)

    @torch.inference_mode()
    def encode(self, rows: Rows, place: int) -> tuple[Tensor, Tensor]:
        """Give the posterior of rows by the network of a class."""
        mean, log_variance = self._net(place).posterior(rows.values, rows.seen)
        return mean[0], torch.exp(0.5 * log_variance[0])

    @torch.inference_mode()
    def draw_from(
        self, z: Tensor, place: int, rng: np.random.Generator
    ) -> NDArray[Any]:
        """Decode latent points by the network of a class and draw cells."""
        net = self._net(place)
        params = net.decode(z.to(net.order.device)[None])
        drawn: NDArray[Any] = net.sample_cells(params, rng)[0].cpu().numpy()
        return drawn
