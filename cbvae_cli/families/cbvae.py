"""`cbvae`: one variational autoencoder per class (Rojas, Makwae & Shar)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.families.contract import Family
from cbvae_cli.families.measure import believe, density, draws_each, measure
from cbvae_cli.families.rows import Belief, Plan, Rows, expected
from cbvae_cli.networks.vae import Shape, StackedVAE
from cbvae_cli.table.matrix import Encoded, Layout


class ClassVAE(Family):
    """Networks per class, each trained on rows of its class alone.

    One a class and member, class by class.
    """

    name: ClassVar[str] = "cbvae"
    rules: ClassVar[tuple[str, ...]] = (
        *("posterior", "likelihood", "probability", "error"),
    )
    sharpens: ClassVar[bool] = True
    shares_latent: ClassVar[bool] = False

    @classmethod
    def build(
        cls,
        layout: Layout,
        classes: Sequence[str],
        shape: Shape,
        n_members: int,
        seed: int,
    ) -> ClassVAE:
        """Make an untrained family."""
        generator = torch.Generator().manual_seed(seed)
        nets = StackedVAE(layout, shape, len(classes) * n_members, generator)
        return cls(layout, len(classes), n_members, draws_each(n_members), nets)

    def only(self, classes: Sequence[int]) -> ClassVAE:
        """Give some classes as a family of their own, mixtures included."""
        nets = [n for place in classes for n in self._nets_of(place)]
        some = ClassVAE(
            self.layout,
            len(classes),
            self.n_members,
            self.n_draws,
            self.nets.only(tuple(nets)),
        )
        if self.mixtures:
            some.mixtures = [self.mixtures[n] for n in nets]
        return some

    def beside(self, other: ClassVAE) -> ClassVAE:
        """Give these classes and, behind them, those of another family.

        Mixtures come with them where both families have theirs.

        Parameters
        ----------
        other : ClassVAE
            Of as many members, over the same columns.
        """
        both = ClassVAE(
            self.layout,
            self.n_classes + other.n_classes,
            self.n_members,
            self.n_draws,
            self.nets.beside(other.nets),
        )
        if self.mixtures and other.mixtures:
            both.mixtures = [*self.mixtures, *other.mixtures]
        return both

    def _nets_of(self, place: int) -> range:
        return range(place * self.n_members, (place + 1) * self.n_members)

    def plan(self, encoded: Encoded, labels: NDArray[np.int64]) -> Plan:
        """Give each network the rows of its class."""
        seen = encoded.observed[:, self.nets.order.cpu().numpy()]
        of_class = [np.flatnonzero(labels == place) for place in range(self.n_classes)]
        rows = [found for found in of_class for _ in range(self.n_members)]
        members = list(range(self.n_members)) * self.n_classes
        return Plan(self.nets, encoded.matrix, seen, labels, rows, members)

    def evidence(self, rows: Rows, parts: Sequence[str]) -> Tensor:
        """Ask all networks, shape (n_rows, n_members, n_classes, n_parts)."""
        found = measure(self.nets, rows, parts, self.n_draws)
        found = found.view(self.n_classes, self.n_members, *found.shape[1:])
        return found.permute(2, 1, 0, 3)

    def fill(self, rows: Rows, place: int) -> Belief:
        """Ask the networks of a class."""
        first = place * self.n_members
        nets = self._net(tuple(range(first, first + self.n_members)))
        mean, deviation = believe(nets, rows, self.n_draws)
        return Belief(mean.cpu().numpy(), deviation.cpu().numpy())

    def density(self, rows: Rows, hidden: Tensor, place: int) -> Tensor:
        """Ask the networks of a class, shape (n_rows, n_members)."""
        first = place * self.n_members
        nets = self._net(tuple(range(first, first + self.n_members)))
        return density(nets, rows, hidden, self.n_draws)

    @torch.inference_mode()
    def encode(self, rows: Rows, place: int, member: int = 0) -> tuple[Tensor, Tensor]:
        """Give the posterior of rows by a network of a class."""
        net = self._net((place * self.n_members + member,))
        mean, log_variance = net.posterior(rows.values, rows.seen)
        return mean[0], torch.exp(0.5 * log_variance[0])

    @torch.inference_mode()
    def draw_from(
        self, z: Tensor, place: int, rng: np.random.Generator, member: int = 0
    ) -> NDArray[Any]:
        """Decode latent points by a network of a class and draw cells."""
        net = self._net((place * self.n_members + member,))
        params = net.decode(z.to(net.order.device)[None])
        drawn: NDArray[Any] = net.sample_cells(params, rng)[0].cpu().numpy()
        return drawn

    @torch.inference_mode()
    def expect_at(self, z: Tensor, place: int, member: int = 0) -> Belief:
        """Decode latent points by a network of a class."""
        net = self._net((place * self.n_members + member,))
        return expected(net, z, self.layout.width)
