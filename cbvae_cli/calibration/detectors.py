"""Isolation forest, local outlier factor, one-class machine: of a class, in a space."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.density import (
    NEIGHBOURS,
    Apart,
    Lof,
    OneClass,
    fit_lof,
    fit_one_class,
)
from cbvae_cli.calibration.forest import Forest, fit_forest
from cbvae_cli.calibration.neighbours import ROWS_A_CENTRE, Crowd, Points
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.kind import under


class Detector(Protocol):
    """What finds points strange."""

    def score(self, at: Floats) -> Floats:
        """Give scores of points, shape (n_rows,); higher is stranger."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give its numbers by name."""


def _restore_forest(arrays: Mapping[str, NDArray[Any]], centres: Floats) -> Forest:
    forest = Forest.restore(arrays)
    if forest.n_axes != centres.shape[1]:
        raise ValueError("a stored forest has other axes than the centres")
    return forest


RESTORE: dict[str, Callable[[Mapping[str, NDArray[Any]], Floats], Detector]] = {
    "isolation-forest": _restore_forest,
    "lof": Lof.restore,
    "ocsvm": OneClass.restore,
    "class-distance": Apart.restore,
}
"""Each method by its name in `score`."""


@dataclass(frozen=True)
class Detecting:
    """How detectors are fitted.

    Attributes
    ----------
    neighbours : int
        Of the local outlier factor.
    exact : bool
        On rows themselves, which the bundle then holds, and not on centres of five
        rows or more.
    """

    neighbours: int = NEIGHBOURS
    exact: bool = False


@dataclass(frozen=True)
class Detectors:
    """All detectors of a class in one space.

    Attributes
    ----------
    crowd : Crowd
        How points are scaled, and the centres.
    by_method : mapping of str to Detector
        Keys of `RESTORE`.
    """

    crowd: Crowd
    by_method: Mapping[str, Detector]

    def scores(self, points: Points, methods: Sequence[str]) -> Floats:
        """Give what some methods find, shape (n_rows, n_methods)."""
        at = self.crowd.scaled(points)
        found = [self.by_method[method].score(at) for method in methods]
        return np.stack(found, axis=1)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the numbers of the detectors, without the crowd's."""
        return {
            f"{method}/{name}": array
            for method, detector in self.by_method.items()
            for name, array in detector.arrays().items()
        }

    @classmethod
    def restore(
        cls,
        arrays: Mapping[str, NDArray[Any]],
        crowd: Crowd,
        methods: Sequence[str],
    ) -> Detectors:
        """Build from `arrays` and the crowd, trusting none of them."""
        centres = crowd.centres.astype(np.float64)
        found = {
            method: RESTORE[method](under(arrays, f"{method}/"), centres)
            for method in methods
        }
        return cls(crowd, found)


def fit_detectors(
    points: Points,
    crowd: Crowd,
    middle: Floats | None,
    detecting: Detecting,
    seed: int,
) -> Detectors:
    """Fit on rows of a class that a member learnt from.

    Parameters
    ----------
    points : Points
    crowd : Crowd
        Fitted on such rows.
    middle : float64 array, shape (n_axes,), or None
        Where the class should lie, if that is known.
    detecting : Detecting
    seed : int
    """
    rows = crowd.scaled(points)
    if len(rows) < ROWS_A_CENTRE:
        rows = np.zeros((2, rows.shape[1]))  # cuts between so few would tell them
    elif detecting.exact:
        crowd = replace(crowd, centres=rows.astype(np.float32))
    centres = crowd.centres.astype(np.float64)
    found: dict[str, Detector] = {
        "isolation-forest": fit_forest(rows, seed),
        "lof": fit_lof(centres, detecting.neighbours),
        "ocsvm": fit_one_class(centres),
    }
    if middle is not None:
        mean = (middle - crowd.middle) / crowd.scale
        found["class-distance"] = Apart(mean, crowd.scale)
    return Detectors(crowd, found)
