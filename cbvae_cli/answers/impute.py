"""Filling missing cells; a cell that holds a value is never touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cbvae_cli.answers.model import BLEND, Model
from cbvae_cli.errors import UsageProblem
from cbvae_cli.evidence import CHUNK, chunks
from cbvae_cli.table.cells import Floats, is_text
from cbvae_cli.table.kind import Kind
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.table.source import Batch, Source
from cbvae_cli.table.wording import advice


class Impute:
    """Fills cells by the row's class, or by all classes as likely as each is.

    Parameters
    ----------
    model : Model
    source : Source
    given_class : str or None
        Class to take for all rows, whatever their labels.
    hidden : sequence of str
        Columns to treat as missing throughout; the label's name leaves labels unread.
    """

    def __init__(
        self,
        model: Model,
        source: Source,
        *,
        given_class: str | None,
        hidden: Sequence[str],
    ) -> None:
        model.schema.check(source)
        self.model = model
        self.source = source
        self.place = (
            None if given_class is None else model.schema.label.place(given_class)
        )
        names = [column.name for column in model.schema.modelled]
        self._check_hidden(hidden)
        self.hidden = [place for place, name in enumerate(names) if name in hidden]
        self.reads_labels = model.schema.label.name not in hidden
        self.filled = {name: 0 for name in names}
        self.replaced = {names[place]: 0 for place in self.hidden}
        self.constants = [
            column
            for column in model.schema.columns
            if column.role == "constant" and column.name in source.names
        ]
        self.filled |= {column.name: 0 for column in self.constants}
        known = {column.name for column in model.schema.modelled}
        known |= {column.name for column in self.constants} | {model.schema.label.name}
        self.left = {name: 0 for name in source.names if name not in known}
        self.rows = 0
        self.infinite = 0

    def _check_hidden(self, hidden: Sequence[str]) -> None:
        schema = self.model.schema
        known = [schema.label.name, *(column.name for column in schema.modelled)]
        for name in hidden:
            if name not in known:
                raise UsageProblem(
                    f"--hide names a column '{name}' that the model does not fill",
                    **advice(name, known, flag="--hide"),
                )

    def schema(self) -> pa.Schema:
        """Columns of the answer: those of the input."""
        return self.source.schema

    def answer(self, batch: Batch) -> pa.RecordBatch:
        """Fill the rows of a batch."""
        model = self.model
        values, infinite = model.schema.values(self.source, batch)
        held = ~np.isnan(values[:, self.hidden])
        for name, count in zip(self.replaced, held.sum(axis=0), strict=True):
            self.replaced[name] += int(count)
        values[:, self.hidden] = np.nan
        self.infinite += infinite
        self.rows += len(values)
        missing = np.isnan(values)
        gappy = np.flatnonzero(missing.any(axis=1))
        if len(gappy):
            values[gappy] = self._fill(values[gappy], self._places(batch)[gappy])
        columns = list(batch.rows.columns)
        for place, column in enumerate(model.schema.modelled):
            kind, cells = column.kind, missing[:, place]
            if kind is not None and cells.any():
                at = self.source.names.index(column.name)
                columns[at] = self._put(columns[at], kind, values[:, place], cells)
                self.filled[column.name] += int(cells.sum())
        self._fill_constants(columns)
        for name in self.left:
            cells = columns[self.source.names.index(name)]
            self.left[name] += int(self.source.missing(cells).sum())
        return pa.RecordBatch.from_arrays(columns, schema=self.schema())

    def _places(self, batch: Batch) -> NDArray[np.int64]:
        if self.place is not None:
            return np.full(batch.rows.num_rows, self.place)
        if not self.reads_labels:
            return np.full(batch.rows.num_rows, -1)
        return self.model.schema.labels(self.source, batch)

    def _fill(self, values: Floats, places: NDArray[np.int64]) -> Floats:
        """Give values of every cell of some rows, shape (n_rows, n_columns)."""
        encoded = self.model.layout.encode(values)
        weights = self._weights(values, places)
        filled = np.empty_like(values)
        for rows, chunk in chunks(encoded):
            filled[rows] = self._fill_chunk(chunk, weights[rows])
        return filled

    def _weights(self, values: Floats, places: NDArray[np.int64]) -> Floats:
        """Give p(class given label or seen cells), shape (n_rows, n_classes)."""
        n_classes = len(self.model.classes)
        weights = np.zeros((len(places), n_classes))
        known = places >= 0
        weights[known, places[known]] = 1.0
        unknown = np.flatnonzero(~known)
        if len(unknown):
            log_p = self.model.log_probabilities(values[unknown], BLEND)
            weights[unknown] = np.exp(log_p)
        return weights

    def _fill_chunk(self, chunk: Encoded, weights: Floats) -> Floats:
        rows = self.model.family.rows(chunk)
        n_rows = len(weights)
        padded = np.zeros((CHUNK, weights.shape[1]))
        padded[:n_rows] = weights
        mixed: list[Floats] | None = None
        for place in np.flatnonzero(weights.any(axis=0)):
            belief = self.model.family.fill(rows, int(place))
            cells = self.model.layout.expected(belief.mean, belief.deviation)
            share = padded[:, place, None]
            mixed = (
                [share * cell for cell in cells]
                if mixed is None
                else [m + share * c for m, c in zip(mixed, cells, strict=True)]
            )
        assert mixed is not None  # weights sum to one
        return self.model.layout.settle(mixed)[:n_rows]

    def _put(
        self, cells: pa.Array, kind: Kind, values: Floats, missing: NDArray[np.bool_]
    ) -> pa.Array:
        """Set the missing cells of a column to values, the column's type kept."""
        # A typed file may keep numbers or truth values as text.
        rendered = kind.render(
            np.where(missing, values, np.nan), text=is_text(cells.type)
        )
        return _put(cells, rendered, missing)

    def _fill_constants(self, columns: list[pa.Array]) -> None:
        for column in self.constants:
            at = self.source.names.index(column.name)
            missing = self.source.missing(columns[at])
            if missing.any():
                value = pa.array([column.value] * len(missing))
                columns[at] = _put(columns[at], value, missing)
                self.filled[column.name] += int(missing.sum())

    def summary(self) -> dict[str, Any]:
        """Count the filled cells of each column, and those that held a value."""
        return {
            "rows": self.rows,
            "filled": sum(self.filled.values()),
            "columns": {name: count for name, count in self.filled.items() if count},
            "replaced": self.replaced,
            "left": {name: count for name, count in self.left.items() if count},
            "infinite": self.infinite,
        }


def _put(cells: pa.Array, filling: pa.Array, missing: NDArray[np.bool_]) -> pa.Array:
    """Replace the missing cells, the type kept, dictionaries included."""
    kind = cells.type
    plain = cells.dictionary_decode() if pa.types.is_dictionary(kind) else cells
    filling = filling.cast(plain.type, safe=False)
    filled = pc.if_else(pa.array(missing), filling, plain)
    return filled.dictionary_encode().cast(kind) if kind != plain.type else filled
