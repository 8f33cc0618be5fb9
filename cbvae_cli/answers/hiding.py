"""Fills of cells that were hidden on purpose, beside what they held."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cbvae_cli.answers.impute import Impute
from cbvae_cli.answers.model import Model
from cbvae_cli.measures.imputation import Names, Numbers
from cbvae_cli.table.boolean import Boolean
from cbvae_cli.table.category import Category
from cbvae_cli.table.cells import Bools, Floats, without
from cbvae_cli.table.kind import Kind
from cbvae_cli.table.number import Number
from cbvae_cli.table.source import Batch, Source


class Hiding:
    """Hides cells of labelled rows, fills them as `impute` does, and compares.

    Parameters
    ----------
    model : Model
    source : Source
    share : float
        Of the seen cells of each row, hidden at random.
    seed : int
        Cells are drawn by the row's number: batches make no difference.
    """

    def __init__(self, model: Model, source: Source, share: float, seed: int) -> None:
        self.model = model
        self.source = source
        self.share = share
        self._rng = np.random.default_rng([seed, 7])
        self._impute = Impute(model, source, given_class=None, hidden=())
        kinds = model.schema.kinds
        widths = [_categories(kind) for kind in kinds]
        self._names = [place for place, width in enumerate(widths) if width]
        self._numbers = [place for place, width in enumerate(widths) if not width]
        n_classes = len(model.classes)
        self._right = Names([widths[place] for place in self._names], n_classes)
        self._error = Numbers(
            np.array([_deviation(kinds[place]) for place in self._numbers]),
            np.array([_origin(kinds[place]) for place in self._numbers]),
            n_classes,
        )

    def add(self, batch: Batch, values: Floats, labels: NDArray[np.int64]) -> None:
        """Take in a batch.

        Parameters
        ----------
        batch : Batch
        values : float64 array, shape (n_rows, n_columns)
            Read from the batch.
        labels : int array, shape (n_rows,)
            Rows below 0 are left out.
        """
        if not self.share:
            return
        drawn = self._rng.random(values.shape) < self.share
        known = labels >= 0
        seen = ~np.isnan(self.model.layout.known(values))
        hidden = (drawn & seen)[known]
        if not hidden.any():
            return
        rows = batch.rows.filter(pa.array(known))
        filled = self._filled(Batch(rows, batch.start, batch.part), hidden)
        truth, labels = values[known], labels[known]
        for measure, columns in (
            (self._error, self._numbers),
            (self._right, self._names),
        ):
            if columns:
                measure.add(
                    truth[:, columns], filled[:, columns], hidden[:, columns], labels
                )

    def _filled(self, batch: Batch, hidden: Bools) -> Floats:
        """Fill cells by way of the table, as a user has them filled."""
        columns = list(batch.rows.columns)
        for place, column in enumerate(self.model.schema.modelled):
            at = self.source.names.index(column.name)
            columns[at] = _emptied(columns[at], hidden[:, place])
        gappy = pa.RecordBatch.from_arrays(columns, schema=batch.rows.schema)
        answered = self._impute.answer(Batch(gappy, batch.start, batch.part))
        filled, _ = self.model.schema.values(
            self.source, Batch(answered, batch.start, batch.part)
        )
        return filled

    def summary(self) -> dict[str, Any]:
        """Give `impute_nrmse` and `impute_accuracy`."""
        classes = self.model.classes
        return {
            "impute_nrmse": self._error.summary(classes),
            "impute_accuracy": self._right.summary(classes),
        }


def _emptied(cells: pa.Array, hidden: Bools) -> pa.Array:
    if not pa.types.is_dictionary(cells.type):
        return without(cells, hidden)
    plain = without(cells.dictionary_decode(), hidden)
    return plain.dictionary_encode().cast(cells.type)


def _categories(kind: Kind) -> int:
    """Count a column's categories; 0 where it holds amounts."""
    if isinstance(kind, Category):
        return kind.width
    return 2 if isinstance(kind, Boolean) else 0


def _deviation(kind: Kind) -> float:
    """Give a column's deviation in training; NaN where the bundle does not know it."""
    if not isinstance(kind, Number):
        return np.nan
    # Both ways of scaling end in a line of one training deviation a unit.
    (low, high), (start, stop) = kind.scale.values[:2], kind.scale.units[:2]
    return float((high - low) / (stop - start))


def _origin(kind: Kind) -> float:
    return float(getattr(kind, "low", 0.0))
