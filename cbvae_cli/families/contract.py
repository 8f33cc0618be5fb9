"""What every family must answer, so that every verb works with each."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.families.mixture import Mixture
from cbvae_cli.families.rows import Belief, Plan, Rows, expected
from cbvae_cli.networks.vae import Shape, StackedVAE
from cbvae_cli.records import Settings
from cbvae_cli.table.kind import under
from cbvae_cli.table.matrix import Encoded, Layout


class Family(ABC):
    """Models of p(row given class) for every class, by one member or several.

    Parameters
    ----------
    layout : Layout
        Of the table's columns.
    n_classes, n_members : int
    n_draws : int
        Posterior draws of each member in an answer.
    nets : StackedVAE
        The networks of a member stand `n_members` apart.

    Attributes
    ----------
    name : str
        Key in `cbvae_cli.families.FAMILIES`.
    rules : tuple of str
        Rules of `classify` that the family can answer.
    options : tuple of str
        Fields of `Settings` that have a meaning here and not everywhere.
    sharpens : bool
        Whether a joint phase can train its networks against each other: those of a
        member stand class by class behind each other.
    shares_latent : bool
        Whether the classes of a member lie in one latent space, where an encoder
        puts rows that is not told their class.
    mixtures : list of Mixture
        Aggregate posterior of each class and member, class by class; filled by
        training.
    """

    name: ClassVar[str]
    rules: ClassVar[tuple[str, ...]]
    options: ClassVar[tuple[str, ...]] = ()
    sharpens: ClassVar[bool] = False
    shares_latent: ClassVar[bool] = True

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
        self.mixtures: list[Mixture] = []
        self._picked: dict[tuple[int, ...], StackedVAE] = {}

    @classmethod
    @abstractmethod
    def build(
        cls,
        layout: Layout,
        classes: Sequence[str],
        shape: Shape,
        n_members: int,
        seed: int,
    ) -> Self:
        """Make an untrained family.

        Parameters
        ----------
        layout : Layout
        classes : sequence of str
        shape : Shape
        n_members : int
        seed : int
            Of the initial weights.
        """

    @classmethod
    def check(cls, n_classes: int, latent: int) -> None:
        """Refuse classes, or latent dimensions, that the family has no use for.

        Raises
        ------
        DataProblem, UsageProblem
        """
        return  # most families take whatever there is

    def begin(self, settings: Settings) -> None:
        """Take from settings what untrained networks start with."""
        return  # for most, their seed says it all

    @property
    def teller(self) -> Family:
        """The family that tells classes apart before any joint phase.

        This one, unless other networks than those that explain rows do so.
        """
        return self

    def member(self, number: int) -> Self:
        """Give one member as a family of its own, without mixtures."""
        places = range(number, self.nets.n_nets, self.n_members)
        nets = self.nets.only(tuple(places))
        return type(self)(self.layout, self.n_classes, 1, self.n_draws, nets)

    def to_sharpen(self) -> Self:
        """Give a copy of the networks, to be trained to tell classes apart.

        Without mixtures.
        """
        nets = copy.deepcopy(self.nets).requires_grad_(True).train()
        return type(self)(
            self.layout, self.n_classes, self.n_members, self.n_draws, nets
        )

    def _net(self, places: tuple[int, ...]) -> StackedVAE:
        """Give some networks as a stack; only for trained families."""
        if places not in self._picked:
            self._picked[places] = self.nets.only(places)
        return self._picked[places]

    @abstractmethod
    def plan(self, encoded: Encoded, labels: NDArray[np.int64]) -> Plan:
        """Say which networks learn from which rows."""

    @abstractmethod
    def evidence(self, rows: Rows, parts: Sequence[str]) -> Tensor:
        """Measure how well each class explains each row.

        Parameters
        ----------
        rows : Rows
        parts : sequence of str
            Names out of `PARTS`.

        Returns
        -------
        Tensor, shape (n_rows, n_members, n_classes, n_parts)
        """

    @abstractmethod
    def fill(self, rows: Rows, place: int) -> Belief:
        """Give what a class holds to be in each cell, seen or not: all members'."""

    @abstractmethod
    def density(self, rows: Rows, hidden: Tensor, place: int) -> Tensor:
        """Give the log density of hidden cells under a class, given those shown.

        Parameters
        ----------
        rows : Rows
            With the true values of the cells.
        hidden : bool Tensor, shape (1, n_rows, n_cells)
            In matrix order.
        place : int

        Returns
        -------
        Tensor, shape (n_rows, n_members)
            In nats.
        """

    def sample(self, place: int, n_rows: int, rng: np.random.Generator) -> NDArray[Any]:
        """Draw encoded rows of a class, shape (n_rows, width).

        Each row comes from the aggregate posterior of a member picked at random.
        """
        of_row = rng.integers(self.n_members, size=n_rows)
        drawn = np.empty((n_rows, self.layout.width), dtype=np.float32)
        for member in range(self.n_members):
            rows = np.flatnonzero(of_row == member)
            if len(rows):
                mixture = self.mixtures[place * self.n_members + member]
                z = torch.from_numpy(mixture.draw(len(rows), rng)).float()
                drawn[rows] = self.draw_from(z, place, rng, member)
        return drawn

    @abstractmethod
    def encode(self, rows: Rows, place: int, member: int = 0) -> tuple[Tensor, Tensor]:
        """Give the posterior of rows under a class and member: mean and deviation.

        Returns
        -------
        mean, deviation : Tensor, shape (n_rows, latent)
        """

    @abstractmethod
    def draw_from(
        self, z: Tensor, place: int, rng: np.random.Generator, member: int = 0
    ) -> NDArray[Any]:
        """Draw encoded rows of a class at a member's latent points.

        Returns
        -------
        float32 array, shape (n_rows, width)
        """

    def support(
        self, place: int, n_rows: int, rng: np.random.Generator, member: int = 0
    ) -> NDArray[Any] | None:
        """Draw encoded rows near the boundary in a way of the family's own.

        Returns
        -------
        float32 array, shape (n_kept, width), or None
            Those of `n_rows` tries that may be kept; None where there is no such way.
        """
        return None

    @torch.inference_mode()
    def embed(self, rows: Rows, place: int, member: int = 0) -> Tensor:
        """Give latent coordinates of rows, shape (n_rows, latent).

        Unlike `encode` never told the label where the family can do without: so
        coordinates say what cells say. The class matters only where the latent space
        is its own.
        """
        return self.encode(rows, place, member)[0]

    def prior_mean(self, place: int, member: int = 0) -> NDArray[np.float64]:
        """Give the middle of a class's prior, shape (latent,)."""
        return np.zeros(self.nets.latent)

    @torch.inference_mode()
    def expect_at(self, z: Tensor, place: int, member: int = 0) -> Belief:
        """Give what a class holds to be in each cell at a member's latent points.

        As it is where a member has one network, whose decoder is told nothing else.
        """
        return expected(self.nets.only((member,)), z, self.layout.width)

    def rows(self, encoded: Encoded) -> Rows:
        """Turn encoded rows into tensors on the networks' device."""
        device = self.nets.order.device
        values = torch.from_numpy(encoded.matrix).to(device)
        observed = torch.from_numpy(encoded.observed).to(device)
        cells = observed[:, self.cell_order]
        return Rows(values[None], cells[None])

    @property
    def cell_order(self) -> Tensor:
        """Table columns in matrix order, shape (n_columns,)."""
        return self.nets.order[: len(self.layout.kinds)]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give weights and mixtures as arrays, by `nets/…` and `mixture/…`."""
        state = self.nets.state_dict()
        found = {f"nets/{name}": t.cpu().numpy() for name, t in state.items()}
        for place, mixture in enumerate(self.mixtures):
            for name, array in mixture.arrays().items():
                found[f"mixture/{place}/{name}"] = array
        return found

    def load(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `arrays` gave.

        Raises
        ------
        KeyError, RuntimeError, ValueError
            On a misfit, and for weights that are not finite.
        """
        state = {
            name: torch.from_numpy(array)
            for name, array in under(arrays, "nets/").items()
        }
        if not all(bool(torch.isfinite(tensor).all()) for tensor in state.values()):
            raise ValueError("weights that are not finite")
        self.nets.load_state_dict(state, strict=True)
        if not any(name.startswith("mixture/") for name in arrays):
            return  # networks that only tell classes apart draw no rows
        self.mixtures = [
            Mixture(**{n: arrays[f"mixture/{place}/{n}"] for n in Mixture.FIELDS})
            for place in range(self.n_classes * self.n_members)
        ]
