"""The rule `posterior`: candidates that read evidence and cells, blended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.boosting import Booster, Boosters
from cbvae_cli.calibration.logistic import Logistic, Logistics
from cbvae_cli.calibration.present import log_softmax
from cbvae_cli.calibration.temperature import Members
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.kind import Block, under

LEAST_LOG = -25.0  # of a candidate; one that is sure and wrong must not decide alone
FAR = 1e4  # nats; beyond, evidence says nothing more
# The mean stands for the posterior: what is blended gains nothing by draws from it.
PARTS = ("error", "plugin", "kl")


@dataclass(frozen=True)
class Asked:
    """What candidates may look at.

    Attributes
    ----------
    values : float64 array, shape (n_rows, n_columns)
        Cells as numbers and codes, NaN where missing or never seen in training.
    matrix : float64 array, shape (n_rows, width)
        Encoded cells, 0 where hidden.
    observed : bool array, shape (n_rows, n_columns)
    calibrated : float64 array, shape (n_rows, n_judged)
        log p(class given row) from the evidence lower bound alone.
    errors : float64 array, shape (n_rows, n_judged)
        The same from the squared error alone.
    levels : float64 array, shape (n_rows, 2 * n_judged)
        Reconstruction and divergence under each class, in nats.
    """

    values: Floats
    matrix: Floats
    observed: Bools
    calibrated: Floats
    errors: Floats
    levels: Floats

    def take(self, rows: NDArray[np.int64]) -> Asked:
        """Give some of the rows."""
        return Asked(
            *(getattr(self, name)[rows] for name in ("values", "matrix", "observed")),
            *(getattr(self, name)[rows] for name in ("calibrated", "errors", "levels")),
        )

    def ratios(self) -> Floats:
        """Evidence of each class against the first, and the share of seen cells."""
        share = self.observed.mean(axis=1, keepdims=True)
        pairs = (self.calibrated, self.errors)
        return np.concatenate([*(p[:, 1:] - p[:, :1] for p in pairs), share], axis=1)

    def of_evidence(self) -> Floats:
        """Evidence, its parts and the share of seen cells."""
        return np.concatenate([self.ratios(), self.levels], axis=1)

    def of_evidence_and_matrix(self) -> Floats:
        """Evidence, encoded cells and which of them are seen."""
        return np.concatenate([self.ratios(), self.matrix, self.observed], axis=1)

    def of_values(self) -> Floats:
        """Cells as they are."""
        return self.values

    def of_values_and_evidence(self) -> Floats:
        """Cells as they are, and evidence."""
        return np.concatenate([self.values, self.ratios()], axis=1)


class Fitted(Protocol):
    """A classifier stored as numbers.

    Attributes
    ----------
    present : bool array, shape (n_judged,)
        Classes that the fit saw.
    """

    @property
    def present(self) -> Bools:
        """Tell which classes the fit saw."""

    def log_probabilities(self, x: Floats) -> Floats:
        """Give log p(class given row), shape (n_rows, n_judged)."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give all numbers by name."""

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Build from `arrays`."""


@dataclass(frozen=True)
class Kind:
    """A kind of candidate: what it reads, and what is fitted to that.

    Attributes
    ----------
    name : str
    looks : callable
        From `Asked` to columns.
    form : type
        `Logistic` or `Booster`.
    blind : bool
        Whether it needs no evidence, so that rows may teach it whose evidence comes
        from members that trained on them.
    """

    name: str
    looks: Callable[[Asked], Floats]
    form: type[Logistic] | type[Booster]
    blind: bool


KINDS = (
    Kind("evidence", Asked.of_evidence, Logistic, False),
    Kind("evidence and cells, linear", Asked.of_evidence_and_matrix, Logistic, False),
    Kind("evidence and cells, boosted", Asked.of_values_and_evidence, Booster, False),
    Kind("cells, boosted", Asked.of_values, Booster, True),
)
FIRST = "evidence, calibrated"
NAMES = (FIRST, *(kind.name for kind in KINDS))


@dataclass(frozen=True)
class Candidate:
    """One kind fitted several times, each without one part of the rows.

    Attributes
    ----------
    kind : Kind
    bag : tuple of Fitted
    """

    kind: Kind
    bag: tuple[Fitted, ...]

    def log_probabilities(self, asked: Asked) -> Floats:
        """Average the bag's log-odds; gives log p, (n_rows, n_judged)."""
        return floored(self._together.log_probabilities(self.kind.looks(asked)))

    @cached_property
    def _together(self) -> Logistics | Boosters:
        alike: Any = self.bag  # all of the kind's form
        return self.kind.form.together(alike)


def floored(log_p: Floats) -> Floats:
    """Bound log probabilities from below and normalise them again."""
    return log_softmax(np.maximum(log_p, LEAST_LOG))


@dataclass(frozen=True)
class Posterior:
    """p(class given row) by a blend of candidates.

    Attributes
    ----------
    judged : int array, shape (n_judged,)
        Classes with rows enough to be told apart by the blend. The others' shares
        come from calibrated evidence alone.
    elbo, error : Members
        Evidence as log-odds, over all classes.
    candidates : tuple of Candidate
    weights : float64 array, shape (1 + n_candidates,)
        On log-odds: of calibrated evidence first, then of the candidates.
    names : bool array, shape (n_columns,)
        Columns of names: codes, not amounts.
    """

    judged: NDArray[np.int64]
    elbo: Members
    error: Members
    candidates: tuple[Candidate, ...]
    weights: Floats
    names: Bools

    PARTS: ClassVar[tuple[str, ...]] = PARTS

    def log_probabilities(
        self, found: Floats, values: Floats, matrix: Block, observed: Bools
    ) -> Floats:
        """Give log p(class given row), shape (n_rows, n_classes).

        Parameters
        ----------
        found : float64 array, shape (n_rows, n_members, n_classes, n_parts)
            `PARTS` of evidence from the jointly trained networks.
        values, matrix, observed
            As in `Asked`.
        """
        plain = self.elbo.log_probabilities(elbo_of(found))
        if not len(self.judged):
            return plain
        asked = self.asked(found, values, matrix, observed)
        every = [asked.calibrated]
        every += [each.log_probabilities(asked) for each in self.candidates]
        blended = blend(np.stack(every), self.weights)
        return among_all(plain, blended, self.judged)

    def asked(
        self, found: Floats, values: Floats, matrix: Block, observed: Bools
    ) -> Asked:
        """Calibrate the members' evidence, average it, and put it beside cells."""
        mean = np.clip(found, -FAR, FAR).mean(axis=1)[:, self.judged]
        levels = np.concatenate([mean[:, :, 1], mean[:, :, 2]], axis=1)
        pairs = ((self.elbo, elbo_of(found)), (self.error, -found[..., 0]))
        calibrated, errors = (
            # Given the classes of the blend, before anything is cut off: what others
            # take must not move their odds.
            floored(log_softmax(members.log_probabilities(x)[:, self.judged]))
            for members, x in pairs
        )
        return Asked(
            values,
            matrix.astype(np.float64),
            observed,
            calibrated,
            errors,
            levels,
        )

    def describe(self) -> dict[str, Any]:
        """Give the JSON form, without the candidates' numbers."""
        names = (FIRST, *(each.kind.name for each in self.candidates))
        bags = {each.kind.name: len(each.bag) for each in self.candidates}
        most = max((KINDS.index(each.kind) for each in self.candidates), default=-1)
        return {
            "judged": [int(place) for place in self.judged],
            "elbo": self.elbo.describe(),
            "error": self.error.describe(),
            "weights": {
                name: float(w) for name, w in zip(names, self.weights, strict=True)
            },
            # Of each kind, in their order; 0 where a kind is not there.
            "bags": [bags.get(kind.name, 0) for kind in KINDS[: most + 1]],
            "names": [bool(name) for name in self.names],
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the candidates' numbers by name."""
        return {
            f"{KINDS.index(each.kind)}/{number}/{name}": array
            for each in self.candidates
            for number, fitted in enumerate(each.bag)
            for name, array in fitted.arrays().items()
        }

    @classmethod
    def restore(
        cls, described: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
    ) -> Posterior:
        """Build from `describe` and `arrays`."""
        bags = described["bags"]
        candidates = tuple(
            Candidate(
                kind,
                tuple(
                    kind.form.restore(under(arrays, f"{at}/{number}/"))
                    for number in range(bags[at])
                ),
            )
            for at, kind in enumerate(KINDS[: len(bags)])
            if bags[at] > 0
        )
        # By name: a bundle does not keep the order of keys.
        given = described["weights"]
        names = (FIRST, *(each.kind.name for each in candidates))
        if set(given) != set(names):
            raise ValueError("a weight for each candidate was expected")
        weights = np.array([float(given[name]) for name in names])
        return cls(
            np.array(described["judged"], dtype=np.int64),
            Members.restore(described["elbo"]),
            Members.restore(described["error"]),
            candidates,
            weights,
            np.array(described["names"], dtype=bool),
        )


def elbo_of(found: Floats) -> Floats:
    """Give what stands for the evidence lower bound from `PARTS`, the last axis."""
    bound: Floats = np.clip(found[..., 1] - found[..., 2], -FAR, FAR)
    return bound


def blend(every: Floats, weights: Floats) -> Floats:
    """Weigh log-odds of candidates, shape (n_candidates, n_rows, n_classes)."""
    # Not `tensordot`: the last digits of BLAS change with the number of rows.
    together = sum(weight * each for weight, each in zip(weights, every, strict=True))
    return log_softmax(np.asarray(together))


def among_all(plain: Floats, blended: Floats, judged: NDArray[np.int64]) -> Floats:
    """Give classes outside the blend their plain share, the rest to the blend.

    Parameters
    ----------
    plain : float64 array, shape (n_rows, n_classes)
        Normalised log probabilities of all classes.
    blended : float64 array, shape (n_rows, n_judged)
    judged : int array, shape (n_judged,)

    Returns
    -------
    float64 array, shape (n_rows, n_classes)
    """
    together = plain.copy()
    rest = np.logaddexp.reduce(plain[:, judged], axis=1, keepdims=True)
    together[:, judged] = rest + blended
    return together
