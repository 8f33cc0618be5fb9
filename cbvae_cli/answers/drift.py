"""Rows that need no labels against the bundle: are they still those of training."""

from __future__ import annotations

from typing import Any

import numpy as np

from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.strangeness import KNOTS, METHODS
from cbvae_cli.measures.rates import rate
from cbvae_cli.measures.shift import (
    CHANCE,
    NameShift,
    NumberShift,
    Shift,
    from_sample,
    shares_of,
)
from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.count import Count
from cbvae_cli.table.kind import Block, Kind
from cbvae_cli.table.moment import Moment
from cbvae_cli.table.number import Number

METHOD = "likelihood"
LOW = 0.05  # p-values below it are counted; as many are expected
DRAWN = 20_000  # synthetic rows that stand for training where nothing is stored
QUANTILES, SHARES = "training quantiles", "training shares"
SYNTHETIC = "synthetic rows"  # they differ from training by what the model missed


class Drift:
    """Compares rows with what the bundle knows of training, batch by batch.

    Parameters
    ----------
    model : Model
    seed : int
        Of the synthetic rows.
    """

    def __init__(self, model: Model, seed: int) -> None:
        self.model = model
        n_training = sum(model.schema.label.counts)
        drawn = _drawn(model, seed) if _needs_rows(model) else None
        self._watched: list[tuple[Shift, str]] = []
        for place, kind in enumerate(model.schema.kinds):
            stored = _stored(kind, n_training)
            if stored is None:
                assert drawn is not None  # `_needs_rows` asked the same
                stored = _from_rows(kind, drawn[:, place]), SYNTHETIC
            self._watched.append(stored)
        n_columns = len(self._watched)
        self._missing = np.zeros(n_columns, dtype=np.int64)
        self._novel = np.zeros(n_columns, dtype=np.int64)
        self._rows = self._low = 0
        self._cells = self._nats = self._usual_nats = 0.0
        self._shares = np.zeros(len(model.classes))

    def add(self, values: Floats, log_p: Floats) -> None:
        """Take in some rows.

        Parameters
        ----------
        values : float64 array, shape (n_rows, n_columns)
        log_p : float64 array, shape (n_rows, n_classes)
        """
        missing = np.isnan(values)
        self._rows += len(values)
        self._missing += missing.sum(axis=0)
        self._novel += self.model.layout.novel(values).sum(axis=0)
        self._shares += np.exp(log_p).sum(axis=0)
        for place, (shift, _) in enumerate(self._watched):
            shift.add(values[~missing[:, place], place])
        self._add_evidence(values, log_p)

    def _add_evidence(self, values: Floats, log_p: Floats) -> None:
        model, judges = self.model, self.model.judges[METHOD]
        part, sign = METHODS[METHOD]
        encoded = model.layout.encode(values)
        found = model.evidence(encoded, (part,))[..., 0]
        share = encoded.observed.mean(axis=1)
        standard = judges.standardise(sign * found, share)
        self._low += int((judges.p_values(standard, share) < LOW).sum())
        # What rows of each class get that had as many cells and trained nothing.
        usual = np.stack(
            [sign * np.interp(share, KNOTS, each.centre) for each in judges.by_class],
            axis=1,
        )
        weights = np.zeros_like(log_p)
        judging = judges.judging
        weights[:, judging] = np.exp(log_p[:, judging])
        weights[share == 0] = 0.0
        self._nats += float((weights * found.mean(axis=1)).sum())
        self._usual_nats += float((weights * usual).sum())
        self._cells += float((weights.sum(axis=1) * encoded.observed.sum(axis=1)).sum())

    def summary(self) -> dict[str, Any]:
        """Give `columns`, `drifting`, `p_values`, `evidence` and `shares`."""
        judged = self.model.judges[METHOD].judged
        low = rate(self._low, self._rows) if judged else None
        named = zip(self.model.classes, self.model.shares, self._shares, strict=True)
        rows = max(self._rows, 1)
        columns = {
            column.name: self._column(place)
            for place, column in enumerate(self.model.schema.modelled)
        }
        return {
            "rows": self._rows,
            "columns": columns,
            "drifting": _drifting(columns),
            "p_values": {"below": LOW, "expected": LOW, "found": low},
            "evidence": {
                "mean": self._each(self._nats) if judged else None,
                "held_out": self._each(self._usual_nats) if judged else None,
            },
            "shares": {
                name: {"training": float(share), "estimated": float(total / rows)}
                for name, share, total in named
            },
        }

    def _each(self, nats: float) -> float | None:
        """Give nats a seen cell."""
        return nats / self._cells if self._cells else None

    def _column(self, place: int) -> dict[str, Any]:
        shift, against = self._watched[place]
        rows = max(self._rows, 1)
        seen = max(self._rows - int(self._missing[place]), 1)
        return {
            "missing": float(self._missing[place] / rows),
            "novel": float(self._novel[place] / seen),
            "distance": shift.distance(),
            "by_chance": shift.by_chance(),
            "p_value": None if against == SYNTHETIC else shift.p_value(),
            "measure": shift.name,
            "against": against,
        }


def _drifting(columns: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Say which columns drift, by Benjamini-Hochberg (scipy's) over all of them.

    Columns that stand against synthetic rows are not tested: those differ from
    training rows anyway.
    """
    from scipy.stats import false_discovery_control

    tested = {
        name: column["p_value"]
        for name, column in columns.items()
        if column["p_value"] is not None
    }
    found: list[str] = []
    if tested:
        adjusted = false_discovery_control(list(tested.values()))
        found = [name for name, p in zip(tested, adjusted, strict=True) if p <= CHANCE]
    return {
        "level": CHANCE,
        "tested": len(tested),
        "by_chance": CHANCE * len(tested),
        "columns": found,
    }


def _stored(kind: Kind, n_training: int) -> tuple[Shift, str] | None:
    """Take what the bundle knows of the column in training; None for nothing."""
    if isinstance(kind, Category | Boolean):
        counts = np.array(kind.counts, dtype=np.float64)
        total = int(counts.sum())
        return (NameShift(counts / total, total), SHARES) if total else None
    marks = kind.scale if isinstance(kind, Number) else None
    if isinstance(kind, Count | Moment):
        marks = kind.marks
    if marks is None or len(marks.values) <= 2:
        return None
    from scipy.special import ndtr

    return NumberShift(marks.values, ndtr(marks.units), n_training), QUANTILES


def _needs_rows(model: Model) -> bool:
    return any(_stored(kind, 1) is None for kind in model.schema.kinds)


def _from_rows(kind: Kind, values: Floats) -> Shift:
    """Take synthetic rows as the reference."""
    if isinstance(kind, Category):
        return NameShift(shares_of(values, kind.width), len(values))
    if isinstance(kind, Boolean):
        return NameShift(shares_of(values, 2), len(values))
    return from_sample(values)


def _drawn(model: Model, seed: int) -> Floats:
    """Draw rows of all classes by their shares, shape (n_drawn, n_columns)."""
    rng = np.random.default_rng([seed, 8])
    blocks = []
    for place, n_rows in enumerate(rng.multinomial(DRAWN, model.shares)):
        if n_rows:
            block = model.family.sample(place, int(n_rows), rng)
            blocks.append(_values(model, block))
    return np.concatenate(blocks)


def _values(model: Model, block: Block) -> Floats:
    """Read drawn blocks as values; rare categories keep their place, unlike fills."""
    expected = model.layout.expected(block, np.zeros_like(block))
    values = model.layout.settle(expected)
    for place, kind in enumerate(model.schema.kinds):
        if isinstance(kind, Category):
            values[:, place] = expected[place].argmax(axis=1)
    return values
