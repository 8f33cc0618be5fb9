"""Ways of drawing encoded rows of a class: from the model, near rows, between rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from cbvae_cli.answers.known import Known
from cbvae_cli.answers.model import Model
from cbvae_cli.errors import UsageProblem
from cbvae_cli.evidence import encode_rows
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats

METHODS = ("prior", "posterior", "boundary", "interpolate")
FROM_ROWS = ("posterior", "interpolate")  # those that start from real rows
HALFWAY = 0.5  # of the way to another class, where its rows would begin
MOST_ENCODED = 50_000  # rows of a class that a method starts from

Draw = NDArray[Any]
Members = Sequence[int]


class Method(Protocol):
    """A way of drawing encoded rows of a class."""

    def __call__(
        self, place: int, n_rows: int, rng: np.random.Generator, members: Members
    ) -> Draw:
        """Draw encoded rows, shape (n_rows, width), by some of the members."""


@dataclass(frozen=True)
class FromPrior:
    """Samples where the class lies in the latent space: its aggregate posterior."""

    family: Family

    def __call__(
        self, place: int, n_rows: int, rng: np.random.Generator, members: Members
    ) -> Draw:
        """Draw encoded rows."""
        family = self.family
        if len(members) == family.n_members:
            return family.sample(place, n_rows, rng)

        def points(member: int, rows: NDArray[np.int64]) -> Floats:
            mixture = family.mixtures[place * family.n_members + member]
            return mixture.draw(len(rows), rng)

        return _by_member(family, place, n_rows, rng, members, points)


@dataclass(frozen=True)
class Encodings:
    """Posteriors of real rows under a class; they never enter a bundle.

    Attributes
    ----------
    mean, deviation : float64 array, shape (n_members, n_rows, latent)
    """

    mean: Floats
    deviation: Floats

    @property
    def n_rows(self) -> int:
        """Count rows."""
        return int(self.mean.shape[1])


def encodings(model: Model, values: Floats, place: int) -> Encodings:
    """Encode rows under a class by every member."""
    # Evenly over the table: neither its first rows nor a random draw.
    some = np.linspace(0, len(values) - 1, min(len(values), MOST_ENCODED))
    encoded = model.layout.encode(values[some.astype(np.int64)])
    found = [
        encode_rows(model.family, encoded, place, member)
        for member in range(model.family.n_members)
    ]
    return Encodings(*(np.stack(each) for each in zip(*found, strict=True)))


@dataclass(frozen=True)
class FromPosterior:
    """Samples the posterior of real rows: jittered copies, noise of cells included."""

    family: Family
    rows: Encodings

    def __call__(
        self, place: int, n_rows: int, rng: np.random.Generator, members: Members
    ) -> Draw:
        """Draw encoded rows near real ones."""
        picked = rng.integers(self.rows.n_rows, size=n_rows)
        noise = rng.standard_normal((n_rows, self.rows.mean.shape[2]))

        def points(member: int, rows: NDArray[np.int64]) -> Floats:
            own = picked[rows]
            spread = self.rows.deviation[member, own] * noise[rows]
            jittered: Floats = self.rows.mean[member, own] + spread
            return jittered

        return _by_member(self.family, place, n_rows, rng, members, points)


@dataclass(frozen=True)
class Between:
    """Decodes points on the line from a real row of the class to another row.

    Attributes
    ----------
    family : Family
    rows, others : Encodings
        Both under the class that is made.
    reach : float
        Share of the way that may be gone: 1 within a class, half to another one.
    """

    family: Family
    rows: Encodings
    others: Encodings
    reach: float

    def __call__(
        self, place: int, n_rows: int, rng: np.random.Generator, members: Members
    ) -> Draw:
        """Draw encoded rows between real ones."""
        one = rng.integers(self.rows.n_rows, size=n_rows)
        other = rng.integers(self.others.n_rows, size=n_rows)
        share = self.reach * rng.random((n_rows, 1))

        def points(member: int, rows: NDArray[np.int64]) -> Floats:
            start = self.rows.mean[member, one[rows]]
            stop = self.others.mean[member, other[rows]]
            on_line: Floats = start + share[rows] * (stop - start)
            return on_line

        return _by_member(self.family, place, n_rows, rng, members, points)


@dataclass(frozen=True)
class FromSupport:
    """Takes the family's own samples near the boundary, as many as it keeps."""

    family: Family

    def __call__(
        self, place: int, n_rows: int, rng: np.random.Generator, members: Members
    ) -> Draw:
        """Draw encoded rows, at most `n_rows`."""
        share = -(-n_rows // len(members))
        found = [self.family.support(place, share, rng, m) for m in members]
        kept = [rows for rows in found if rows is not None]
        return rng.permutation(np.concatenate(kept))[:n_rows]


def has_support(family: Family) -> bool:
    """Tell whether a family samples the boundary in a way of its own."""
    return type(family).support is not Family.support


def _by_member(
    family: Family,
    place: int,
    n_rows: int,
    rng: np.random.Generator,
    members: Members,
    points: Callable[[int, NDArray[np.int64]], Floats],
) -> Draw:
    """Decode latent points, each row by a member picked at random."""
    of_row = np.asarray(members)[rng.integers(len(members), size=n_rows)]
    drawn = np.empty((n_rows, family.layout.width), dtype=np.float32)
    for member in members:
        rows = np.flatnonzero(of_row == member)
        if len(rows):
            z = torch.from_numpy(points(member, rows)).float()
            drawn[rows] = family.draw_from(z, place, rng, member)
    return drawn


def method_for(
    name: str,
    model: Model,
    places: Sequence[int],
    known: Known | None,
    toward: int | None = None,
) -> dict[int, Method]:
    """Make a method of drawing for each class, with the real rows it needs.

    Parameters
    ----------
    name : str
        Out of `METHODS`.
    model : Model
    places : sequence of int
        Classes to make.
    known : Known or None
        Rows of the training table; needed by `posterior` and `interpolate`.
    toward : int, optional
        Class that `interpolate` goes halfway to, instead of within its own.
    """
    if toward is not None and name != "interpolate":
        raise UsageProblem(
            "--toward says where the way between two rows leads",
            expected="--toward with --method interpolate",
        )
    if name == "boundary" and has_support(model.family):
        return dict.fromkeys(places, FromSupport(model.family))
    if name not in FROM_ROWS:
        return dict.fromkeys(places, FromPrior(model.family))
    if known is None:
        raise UsageProblem(
            f"--method {name} starts from real rows",
            expected="--data with the training table",
            hint="add --data TABLE, or use --method prior",
        )
    if toward in places:
        raise UsageProblem(
            f"--toward names the class '{model.classes[places[0]]}' that is made",
            expected="another class, or no --toward to stay within the class",
        )
    return {place: _from_rows(name, model, place, known, toward) for place in places}


def _from_rows(
    name: str, model: Model, place: int, known: Known, toward: int | None
) -> Method:
    rows = encodings(model, known.of_class(place), place)
    if name == "posterior":
        return FromPosterior(model.family, rows)
    if toward is None:
        return Between(model.family, rows, rows, 1.0)
    others = encodings(model, known.of_class(toward), place)
    return Between(model.family, rows, others, HALFWAY)
