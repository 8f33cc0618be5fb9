"""Made rows kept while they pass by, and set beside real ones at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.drawing import method_for
from cbvae_cli.answers.known import Known
from cbvae_cli.answers.making import Maker
from cbvae_cli.answers.model import Model
from cbvae_cli.measures.fidelity import fidelity
from cbvae_cli.measures.privacy import closest_record, near_copies
from cbvae_cli.measures.reservoir import Reservoir
from cbvae_cli.peers.features import features_of
from cbvae_cli.table.category import Category
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.schema import Schema

MOST_KEPT = 20_000  # made rows of a class, for figures and the gate
MOST_COMPARED = 5_000  # rows on either side


class Sample:
    """An even sample of the made rows, by class.

    Parameters
    ----------
    seed : int
    most : int
        Rows to keep of each class.
    """

    def __init__(self, seed: int, most: int = MOST_KEPT) -> None:
        self._rng = np.random.default_rng([seed, 33])
        self._most = most
        self._kept: dict[int, Reservoir] = {}

    def add(self, place: int, values: Floats) -> None:
        """Take in some rows of a class."""
        kept = self._kept.setdefault(place, Reservoir(self._most))
        kept.add(self._rng.random(len(values)), values)

    @property
    def rows(self) -> dict[int, Floats]:
        """Give the rows that were kept, by class."""
        return {place: kept.rows()[0] for place, kept in self._kept.items()}


def likeness(
    model: Model, known: Known, made: dict[int, Floats], seed: int
) -> dict[str, Any] | None:
    """Compare made rows with the real ones of their classes.

    Made rows without gaps are given those of the class first: nothing but their gaps
    would tell them from real ones.

    Returns
    -------
    dict or None
        As `cbvae_cli.measures.fidelity.fidelity` has it, columns by name, means over
        classes weighted by made rows; None where all have too few rows.
    """
    rng = np.random.default_rng([seed, 34])
    found, weights = [], []
    for place, values in made.items():
        real = known.values[known.labels == place]
        values = values.copy()
        if not np.isnan(values).any():
            values[model.gaps[place].draw(len(values), rng)] = np.nan
        one = _compared(model.schema, real, values, rng, seed)
        if one is not None:
            found.append(one)
            weights.append(len(values))
    return _means(model.schema, found, weights) if found else None


def _compared(
    schema: Schema, real: Floats, made: Floats, rng: np.random.Generator, seed: int
) -> Any:
    parts = [features_of(schema, _some(rows, rng)) for rows in (real, made)]
    return fidelity(parts[0].values, parts[1].values, parts[0].categorical, seed)


def _some(rows: Floats, rng: np.random.Generator) -> Floats:
    return rows[np.sort(rng.permutation(len(rows))[:MOST_COMPARED])]


def _means(
    schema: Schema, found: Sequence[dict[str, Any]], weights: Sequence[int]
) -> dict[str, Any]:
    columns = {}
    for at, column in enumerate(schema.modelled):
        each = [one["columns"][at] for one in found]
        distance = _mean([one["distance"] for one in each], weights)
        columns[column.name] = {"measure": each[0]["measure"], "distance": distance}
    keys = ("distance", "correlation_error", "detection_auc")
    return {k: _mean([one[k] for one in found], weights) for k in keys} | {
        "columns": columns
    }


def _mean(figures: Sequence[float | None], weights: Sequence[int]) -> float | None:
    pairs = [(f, w) for f, w in zip(figures, weights, strict=True) if f is not None]
    if not pairs:
        return None
    return float(np.average([f for f, _ in pairs], weights=[w for _, w in pairs]))


class Lookalike:
    """Compares what a bundle makes with rows that pass by.

    Parameters
    ----------
    model : Model
    seed : int
    """

    def __init__(self, model: Model, seed: int) -> None:
        self.model = model
        self.seed = seed
        self._kept = Reservoir(MOST_COMPARED)

    def add(self, keys: Floats, values: Floats, labels: NDArray[np.int64]) -> None:
        """Take in labelled rows; see `Reservoir.add`."""
        self._kept.add(keys, values, labels)

    def summary(self) -> dict[str, Any] | None:
        """Make as many rows of each class as were kept; see `likeness`."""
        values, labels = self._kept.rows()
        known = Known("", self.model.schema, values, labels)
        places = [int(place) for place in np.flatnonzero(known.counts)]
        methods = method_for("prior", self.model, places, None)
        maker = Maker(self.model, methods, self.seed, keep_gaps=True)
        made = {place: maker.rows(place, int(known.counts[place])) for place in places}
        return likeness(self.model, known, made, self.seed)


def privacy(
    model: Model, known: Known, held: Known | None, made: dict[int, Floats], seed: int
) -> dict[str, Any]:
    """Measure how near made rows lie to the real rows of their class.

    Distances are those of the bundle's encoding: standard units, a category one unit
    from each other; a missing cell is an average one.

    Returns
    -------
    dict
        `near_copies`, and `closest_record_share` and `attack_auc` where rows held out
        can be compared, means over classes weighted by rows; else None.
    """
    near, nearest, weights = [], [], []
    rng = np.random.default_rng([seed, 35])
    for place, values in made.items():
        train = _units(model, _some(known.values[known.labels == place], rng))
        rows = _units(model, _some(values, rng))
        near.append(near_copies(rows, train))
        if held is not None:
            others = _units(model, held.values[held.labels == place])
            nearest.append(closest_record(rows, train, others, seed))
            weights.append(len(rows))
    counted = [one for one in near if one is not None]
    n_rows = sum(one["rows"] for one in counted)
    told = [
        (one, weight)
        for one, weight in zip(nearest, weights, strict=True)
        if one is not None
    ]
    return {
        "near_copies": {
            "count": sum(one["count"] for one in counted),
            "rows": n_rows,
            "expected": _mean(
                [one["expected"] for one in counted], [one["rows"] for one in counted]
            ),
        },
        "closest_record_share": _mean(
            [o["share"] for o, _ in told], [w for _, w in told]
        ),
        "attack_auc": _mean([o["attack_auc"] for o, _ in told], [w for _, w in told]),
    }


def _units(model: Model, values: Floats) -> Floats:
    """Put rows on a common scale, shape (n_rows, width)."""
    matrix = model.layout.encode(values).matrix.astype(np.float64)
    for kind, block in zip(model.schema.kinds, model.layout.blocks, strict=True):
        if isinstance(kind, Category):
            matrix[:, block] /= np.sqrt(2.0)  # two of its columns differ at once
    return matrix
