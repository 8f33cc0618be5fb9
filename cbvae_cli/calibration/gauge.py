"""What each method of `score` measures of a row, before it is put on a scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cbvae_cli.calibration.detectors import Detectors
from cbvae_cli.calibration.looks import Home
from cbvae_cli.calibration.spaces import detected
from cbvae_cli.calibration.strangeness import ALONE, COMBINED, LOOKS, METHODS, Judges
from cbvae_cli.evidence import evidence
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded


@dataclass(frozen=True)
class Gauge:
    """Measures rows by every member and class.

    Attributes
    ----------
    family : Family
    homes : sequence of sequence of Home
        By class and member.
    n_training : int
        See `cbvae_cli.evidence.evidence`.
    detectors : sequence of mapping of str to Detectors
        By class and space, as the first member sees it.
    """

    family: Family
    homes: Sequence[Sequence[Home]]
    n_training: int
    detectors: Sequence[Mapping[str, Detectors]] = ()

    @cached_property
    def members(self) -> tuple[Family, ...]:
        """Each member as a family of its own."""
        return tuple(self.family.member(j) for j in range(self.family.n_members))

    def member(self, number: int) -> Gauge:
        """Give the gauge of one member alone."""
        homes = [[of_class[number]] for of_class in self.homes]
        return Gauge(self.members[number], homes, self.n_training)

    def evidence(self, encoded: Encoded, method: str) -> Floats:
        """Measure by a method in `METHODS`, shape (n_rows, n_members, n_classes)."""
        part, sign = METHODS[method]
        found = evidence(self.family, encoded, (part,), self.n_training)
        return sign * found[..., 0]

    def distances(self, encoded: Encoded, place: int) -> Floats:
        """Give distances to a class's rows, shape (n_rows, n_members, n_looks)."""
        each = [
            home.distances(alone, encoded, place)
            for home, alone in zip(self.homes[place], self.members, strict=True)
        ]
        return np.stack(each, axis=1)

    def class_distance(self, encoded: Encoded, place: int) -> Floats:
        """Give distances from a class's mean, shape (n_rows, n_members)."""
        layout = self.family.layout
        each = [home.from_mean(encoded, layout) for home in self.homes[place]]
        return np.stack(each, axis=1)

    def alone(
        self, encoded: Encoded, places: Sequence[int], names: Sequence[str]
    ) -> Floats:
        """Ask the first member alone, shape (n_rows, n_classes_asked, n_names)."""
        first = self.members[0]
        each = [
            detected(first, self.detectors[place], encoded, place, names)
            for place in places
        ]
        return np.stack(each, axis=1)

    def measure(self, encoded: Encoded, methods: Sequence[str]) -> dict[str, Floats]:
        """Measure by methods that join no others.

        Returns
        -------
        dict of str to float64 array, shape (n_rows, n_members, n_classes)
            Of methods in `ALONE` the first member's, and no others.
        """
        places = range(self.family.n_classes)
        found = {m: self.evidence(encoded, m) for m in methods if m in METHODS}
        if set(LOOKS) & set(methods):
            both = np.stack([self.distances(encoded, p) for p in places], axis=2)
            found |= {name: both[..., at] for at, name in enumerate(LOOKS)}
        if "class-distance" in methods:
            each = [self.class_distance(encoded, place) for place in places]
            found["class-distance"] = np.stack(each, axis=2)
        names = [method for method in methods if method in ALONE]
        if names:
            first = self.alone(encoded, places, names)
            found |= {name: first[:, None, :, at] for at, name in enumerate(names)}
        return found


def combine(
    method: str,
    judges: Mapping[str, Judges],
    found: Mapping[str, Floats],
    share: Floats,
    weights: Floats,
) -> Floats:
    """Join what several methods found by how rare it is.

    Parameters
    ----------
    method : str
        Key in `COMBINED`.
    judges : mapping of str to Judges
        By method: of those that are joined, at least.
    found : mapping of str to float64 array, shape (n_rows, n_members, n_classes)
        By method.
    share : float64 array, shape (n_rows,)
        Of cells seen.
    weights : float64 array, shape (n_classes,)
        Of the likelihood, between 0 and 1; the looks at neighbours share the rest.

    Returns
    -------
    float64 array, shape (n_rows, n_members, n_classes)
        In nats; see `Tail`.
    """
    names = COMBINED[method]
    own = weights if "likelihood" in names else np.zeros_like(weights)
    total = np.zeros(found[names[0]].shape)
    for name in names:
        weight = own if name == "likelihood" else (1 - own) / len(LOOKS)
        total += weight * _rarity(judges[name], found[name], share)
    return total


def _rarity(judges: Judges, found: Floats, share: Floats) -> Floats:
    standard = judges.standardise(found, share)
    each = [
        judge.tail.rarity(standard[:, :, place])
        for place, judge in enumerate(judges.by_class)
    ]
    return np.stack(each, axis=2)
