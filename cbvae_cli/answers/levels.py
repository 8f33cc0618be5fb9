"""EM-MV of the detectors in the latent space, beside what they flag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.answers.verdict import ByClasses
from cbvae_cli.calibration.detectors import Detecting, Detectors, fit_detectors
from cbvae_cli.calibration.neighbours import Crowd, Points
from cbvae_cli.calibration.strangeness import ALONE
from cbvae_cli.evidence import embed_rows, take
from cbvae_cli.measures.mass_volume import Levels, em_mv
from cbvae_cli.measures.reservoir import Reservoir
from cbvae_cli.table.cells import Floats

Places = NDArray[np.int64]

FIRST = 0  # the member whose space it is
SPACE = "latent"
NAMES = {name: method for name, (method, space) in ALONE.items() if space == SPACE}
MOST_ROWS = 4_000
LEAST_ROWS = 20  # of a space: of fewer no share of .95 and up can be told
DRAWS = 10_000
MOST_AXES = 8  # more are looked at by a few at a time (Goix 2016)
AXES, ROUNDS = 5, 5
BELOW = 0.05  # p-values of rows that are flagged


@dataclass(frozen=True)
class Space:
    """Rows in a latent space, and the classes that judge there.

    Attributes
    ----------
    name : str or None
        The class whose space it is; None of a space that all classes share.
    at : float64 array, shape (n_rows, latent)
    places : tuple of int
        Classes.
    """

    name: str | None
    at: Floats
    places: tuple[int, ...]


class LevelSets:
    """Collects labelled rows, and measures detectors on them.

    Parameters
    ----------
    model : Model
    seed : int
    """

    def __init__(self, model: Model, seed: int) -> None:
        self.model = model
        self.alone = model.family.member(FIRST)
        self._kept = Reservoir(MOST_ROWS)
        self._seed = seed

    def add(self, keys: Floats, values: Floats, labels: Places) -> None:
        """Take in labelled rows."""
        self._kept.add(keys, values, labels)

    def summary(self) -> dict[str, Any]:
        """Give EM-MV space by space, and the flagged shares."""
        values, labels = self._kept.rows()
        return {
            "rows": len(labels),
            "below": BELOW,
            "spaces": [self._measured(s) for s in self._spaces(values, labels)],
            "methods": {
                method: self._flagged(name, values, labels)
                for name, method in NAMES.items()
            },
        }

    def _flagged(self, name: str, values: Floats, labels: Places) -> dict[str, Any]:
        """Count rows with a p-value up to `BELOW`, and of which classes they are."""
        classes = self.model.classes
        judging = ByClasses(self.model, name, None)
        judges = self.model.judges[name]
        none = {"share": None, "classes": dict.fromkeys(classes), "rmse": None}
        if not judges.judged:
            return none
        encoded = self.model.layout.encode(values)
        seen: Floats = encoded.observed.mean(axis=1)
        odd = judges.p_values(judging.standard(encoded), seen) <= BELOW
        rows = np.bincount(labels, minlength=len(classes))
        found = np.bincount(labels[odd], minlength=len(classes))
        shares = [
            int(some) / int(all_) if all_ else None
            for some, all_ in zip(found, rows, strict=True)
        ]
        wrong = found / found.sum() - rows / rows.sum() if odd.any() else None
        return {
            "share": float(odd.mean()),
            "classes": dict(zip(classes, shares, strict=True)),
            "rmse": None if wrong is None else float(np.sqrt((wrong**2).mean())),
        }

    def _spaces(self, values: Floats, labels: Places) -> Iterator[Space]:
        """Give spaces that hold rows enough."""
        encoded = self.model.layout.encode(values)
        judging = self.model.judges[next(iter(NAMES))].judging
        if self.alone.shares_latent:
            if len(labels) >= LEAST_ROWS:
                yield Space(None, embed_rows(self.alone, encoded, 0), tuple(judging))
            return
        for place, name in enumerate(self.model.classes):
            own = np.flatnonzero(labels == place)
            if len(own) >= LEAST_ROWS and place in judging:
                at = embed_rows(self.alone, take(encoded, own), place)
                yield Space(name, at, (place,))

    def _measured(self, space: Space) -> dict[str, Any]:
        """Compare the methods in a space."""
        latent = space.at.shape[1]
        looks = list(self._looks(latent))
        rng = np.random.default_rng([self._seed, 28])
        rounds = []
        for axes in looks:
            by_place = {
                place: self._detectors(place, axes, whole=len(axes) == latent)
                for place in space.places
            }
            some = space.at[:, axes]
            low, high = some.min(axis=0), some.max(axis=0)
            around = rng.uniform(low, high, (DRAWS, len(axes)))
            levels = {
                method: Levels(
                    self._strange(name, by_place, some),
                    self._strange(name, by_place, around),
                )
                for name, method in NAMES.items()
            }
            rounds.append(em_mv(levels))
        return {
            "class": space.name,
            "rows": len(space.at),
            "axes": len(looks[0]),
            "rounds": len(looks),
            "methods": {
                method: {
                    key: float(np.mean([found[method][key] for found in rounds]))
                    for key in ("em", "mv")
                }
                for method in NAMES.values()
            },
        }

    def _looks(self, latent: int) -> Iterator[Places]:
        if latent <= MOST_AXES:
            yield np.arange(latent)
            return
        rng = np.random.default_rng([self._seed, 29])
        for _ in range(ROUNDS):
            yield np.sort(rng.choice(latent, AXES, replace=False))

    def _detectors(self, place: int, axes: Places, *, whole: bool) -> Detectors:
        """Give a class's detectors, fitted anew where they see some axes alone."""
        fitted = self.model.witnesses[place].detectors[SPACE]
        if whole:
            return fitted
        crowd = fitted.crowd
        centres = crowd.centres[:, axes]
        some = Crowd(crowd.middle[axes], crowd.scale[axes], centres)
        at = centres * some.scale + some.middle
        points = Points(at, np.ones(at.shape, dtype=bool))
        middle = self.alone.prior_mean(place)[axes]
        return fit_detectors(points, some, middle, Detecting(), self._seed)

    def _strange(
        self, name: str, by_place: Mapping[int, Detectors], at: Floats
    ) -> Floats:
        """Give how strange the kindest class finds points, shape (n_points,)."""
        points = Points(at, np.ones(at.shape, dtype=bool))
        share = np.ones(len(at))
        judges = self.model.judges[name].by_class
        each = [
            judges[place].standardise(
                detectors.scores(points, [NAMES[name]])[:, 0], share
            )
            for place, detectors in by_place.items()
        ]
        found: Floats = np.min(each, axis=0)
        return found
