"""Rows that need no labels against the bundle: are they still those of training."""

from __future__ import annotations

from typing import Any

import numpy as np

from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.strangeness import KNOTS, METHODS
from cbvae_cli.measures.rates import rate
from cbvae_cli.measures.shift import (
    NameShift,
    NumberShift,
    Shift,
    from_sample,
    shares_of,
)
from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.kind import Block, Kind
from cbvae_cli.table.number import Number

METHOD = "likelihood"
LOW = 0.05  # p-values below it are counted; as many are expected
DRAWN = 20_000  # synthetic rows that stand for training where nothing is stored
QUANTILES, SYNTHETIC = "training quantiles", "synthetic rows"


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
                self._watched.append((_from_rows(kind, drawn[:, place]), SYNTHETIC))
            else:
                self._watched.append((stored, QUANTILES))
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
        """Give `columns`, `p_values`, `evidence` and `shares`."""
        judged = self.model.judges[METHOD].judged
        low = rate(self._low, self._rows) if judged else None
        named = zip(self.model.classes, self.model.shares, self._shares, strict=True)
        rows = max(self._rows, 1)
        return {
            "rows": self._rows,
            "columns": {
                column.name: self._column(place)
                for place, column in enumerate(self.model.schema.modelled)
            },
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
            "measure": shift.name,
            "against": against,
        }


def _stored(kind: Kind, n_training: int) -> NumberShift | None:
    """Take quantiles of training from a number's scale, where it has them."""
    if not isinstance(kind, Number) or len(kind.scale.values) <= 2:
        return None
    from scipy.special import ndtr

    return NumberShift(kind.scale.values, ndtr(kind.scale.units), n_training)


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
