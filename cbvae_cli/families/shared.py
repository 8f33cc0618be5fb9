"""Families whose classes share networks, which are told each row's class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.families.contract import Family
from cbvae_cli.families.measure import believe, density, encode, measure
from cbvae_cli.families.rows import Belief, Plan, Rows, expected
from cbvae_cli.table.matrix import Encoded


class SharedVAE(Family):
    """One network a member; each class is asked about in turn."""

    options: ClassVar[tuple[str, ...]] = ("balanced",)

    def told(self, rows: Rows, place: int) -> Rows:
        """Set the class of all rows."""
        return replace(rows, labels=self._all_of(place, len(rows)))

    def _all_of(self, place: int, n_rows: int) -> Tensor:
        return torch.full((1, n_rows), place, device=self.nets.order.device)

    def plan(self, encoded: Encoded, labels: NDArray[np.int64]) -> Plan:
        """Give each network all rows."""
        cells = encoded.observed[:, self.cell_order.cpu().numpy()]
        rows = [interleaved(labels)] * self.n_members
        members = list(range(self.n_members))
        return Plan(self.nets, encoded.matrix, cells, labels, rows, members)

    def evidence(self, rows: Rows, parts: Sequence[str]) -> Tensor:
        """Ask the networks about each class in turn.

        Returns
        -------
        Tensor, shape (n_rows, n_members, n_classes, n_parts)
        """
        asked = (self.told(rows, place) for place in range(self.n_classes))
        found = [measure(self.nets, one, parts, self.n_draws) for one in asked]
        return torch.stack(found, dim=2).transpose(0, 1)

    def fill(self, rows: Rows, place: int) -> Belief:
        """Ask the networks with the class given."""
        mean, deviation = believe(self.nets, self.told(rows, place), self.n_draws)
        width = self.layout.width
        return Belief(mean[:, :width].cpu().numpy(), deviation[:, :width].cpu().numpy())

    def density(self, rows: Rows, hidden: Tensor, place: int) -> Tensor:
        """Ask the networks with the class given, shape (n_rows, n_members)."""
        return density(self.nets, self.told(rows, place), hidden, self.n_draws)

    @torch.inference_mode()
    def encode(self, rows: Rows, place: int, member: int = 0) -> tuple[Tensor, Tensor]:
        """Give the posterior of rows with the class given."""
        mean, deviation = encode(self.nets, self.told(rows, place))
        return mean[member], deviation[member]

    @torch.inference_mode()
    def draw_from(
        self, z: Tensor, place: int, rng: np.random.Generator, member: int = 0
    ) -> NDArray[Any]:
        """Decode latent points and draw cells of the table's columns."""
        net = self._net((member,))
        points = z.to(self.nets.order.device)[None]
        params = net.decode(points, self._all_of(place, len(z)))
        drawn: NDArray[Any] = net.sample_cells(params, rng)[0].cpu().numpy()
        return drawn[:, : self.layout.width]

    @torch.inference_mode()
    def expect_at(self, z: Tensor, place: int, member: int = 0) -> Belief:
        """Decode latent points with the class given."""
        labels = self._all_of(place, len(z))
        return expected(self._net((member,)), z, self.layout.width, labels)


def interleaved(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give all rows in an order of which every beginning holds all classes.

    Of many rows the first ones stop training.
    """
    shares = np.empty(len(labels))
    for place in np.unique(labels):
        own = np.flatnonzero(labels == place)
        shares[own] = (np.arange(len(own)) + 0.5) / len(own)
    return np.argsort(shares, kind="stable")
