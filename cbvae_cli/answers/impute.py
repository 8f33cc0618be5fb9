"""Filling missing cells; a cell that holds a value is never touched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cbvae_cli.answers.fills import Fills
from cbvae_cli.answers.frame import Added
from cbvae_cli.answers.hidden import check_hidden
from cbvae_cli.answers.model import BLEND, Model
from cbvae_cli.answers.novelty import Novelty
from cbvae_cli.answers.rendering import constant_cells
from cbvae_cli.answers.wanted import PLAIN, Wanted
from cbvae_cli.errors import DataProblem
from cbvae_cli.table import cells as reading
from cbvae_cli.table.cells import Floats, is_text
from cbvae_cli.table.kind import Kind
from cbvae_cli.table.source import Batch, Source

DRAW, DEVIATION = "draw", "sd_"


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
    wanted : Wanted
    """

    def __init__(
        self,
        model: Model,
        source: Source,
        *,
        given_class: str | None,
        hidden: Sequence[str],
        wanted: Wanted = PLAIN,
    ) -> None:
        model.schema.check(source)
        self.wanted = wanted
        self.model = model
        self.fills = Fills.of(model)
        self.source = source
        self.place = (
            None if given_class is None else model.schema.label.place(given_class)
        )
        names = [column.name for column in model.schema.modelled]
        check_hidden(model.schema, hidden)
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
        self.rows = self.infinite = self.labelled = self.empty = 0
        self.novelty = Novelty(model, source)
        self.added = Added(source, wanted.prefix, False, self._types())
        self.added.check()
        if wanted.labels and model.schema.label.name not in source.names:
            raise DataProblem(
                f"there is no label column '{model.schema.label.name}' to be filled",
                where=source.name,
                expected="the column that the model was trained to tell",
                hint="classify adds labels to rows that have no such column",
            )

    def _types(self) -> dict[str, pa.DataType]:
        types: dict[str, pa.DataType] = {}
        if self.wanted.draws:
            types[DRAW] = pa.int64()
        if self.wanted.deviations:
            columns = self.model.schema.modelled
            types |= {f"{DEVIATION}{c.name}": pa.float64() for c in columns}
        return types

    def schema(self) -> pa.Schema:
        """Columns of the answer: those of the input, then added ones."""
        return self.added.schema()

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
        self.novelty.add(batch, values)
        missing = np.isnan(values)
        self.empty += int(missing.all(axis=1).sum())
        gappy = np.flatnonzero(missing.any(axis=1))
        # Each draw is a layer: the values of all rows.
        layers = np.repeat(values[None], max(1, self.wanted.draws), axis=0)
        deviations = np.full(values.shape, np.nan)
        places = self._places(batch)
        if len(gappy):
            some = values[gappy], self._weights(values[gappy], places[gappy])
            layers[:, gappy], spread = self._filled(batch, gappy, *some)
            if spread is not None:
                deviations[gappy] = np.where(missing[gappy], spread, np.nan)
        rows = np.repeat(np.arange(len(values)), len(layers))
        columns = self._columns(batch, layers, missing, rows)
        if self.wanted.labels:
            self._fill_labels(columns, batch, values, rows)
        added: dict[str, pa.Array] = {}
        if self.wanted.draws:
            added[DRAW] = pa.array(np.tile(np.arange(len(layers)) + 1, len(values)))
        if self.wanted.deviations:
            for column, cells in zip(model.schema.modelled, deviations.T, strict=True):
                added[DEVIATION + column.name] = pa.array(cells[rows], from_pandas=True)
        whole = pa.RecordBatch.from_arrays(columns, schema=self.source.schema)
        return self.added.join(Batch(whole, batch.start, batch.part), added)

    def _columns(
        self,
        batch: Batch,
        layers: Floats,
        missing: NDArray[np.bool_],
        rows: NDArray[np.int64],
    ) -> list[pa.Array]:
        """Give the input's columns, cells filled, each row as often as in `rows`."""
        copied = pa.array(rows)
        columns = [
            cells if len(layers) == 1 else cells.take(copied)
            for cells in batch.rows.columns
        ]
        for place, column in enumerate(self.model.schema.modelled):
            kind, cells = column.kind, missing[:, place]
            if kind is not None and cells.any():
                at = self.source.names.index(column.name)
                # A row's draws stand behind each other.
                values = layers[:, :, place].T.ravel()
                columns[at] = self._put(columns[at], kind, values, cells[rows])
                self.filled[column.name] += int(cells.sum())
        self._fill_constants(columns, len(layers))
        for name in self.left:
            cells = batch.rows.columns[self.source.names.index(name)]
            self.left[name] += int(self.source.missing(cells).sum())
        return columns

    def _filled(
        self, batch: Batch, rows: NDArray[np.int64], values: Floats, weights: Floats
    ) -> tuple[Floats, Floats | None]:
        """Fill some rows; what is drawn serves fills and deviations alike.

        Returns
        -------
        layers : float64 array, shape (n_layers, n_rows, n_columns)
        deviations : float64 array, shape (n_rows, n_columns), or None
            None where they are not wanted.
        """
        fills, wanted = self.fills, self.wanted
        if not wanted.n_drawn:
            return self._settled(fills.mixed(values, weights)[None]), None
        every = batch.start, batch.rows.num_rows, fills.n_numbers
        drawn = fills.drawn(values, weights, wanted.numbers(*every)[:, rows])
        if not wanted.deviations:
            return self._settled(drawn), None
        mixed = fills.mixed(values, weights)
        flat = drawn[: wanted.draws] if wanted.draws else mixed[None]
        return self._settled(flat), fills.deviations(mixed, drawn)

    def _places(self, batch: Batch) -> NDArray[np.int64]:
        if self.place is not None:
            return np.full(batch.rows.num_rows, self.place)
        if not self.reads_labels:
            return np.full(batch.rows.num_rows, -1)
        return self.model.schema.labels(self.source, batch)

    def _settled(self, flat: Floats) -> Floats:
        """Give values that columns can hold, shape (n_layers, n_rows, n_columns)."""
        settle, cells = self.model.layout.settle, self.fills.cells
        return np.stack([settle(cells.part(layer)) for layer in flat])

    def _fill_labels(
        self,
        columns: list[pa.Array],
        batch: Batch,
        values: Floats,
        rows: NDArray[np.int64],
    ) -> None:
        """Name the class of rows without a label."""
        label = self.model.schema.label
        at = self.source.names.index(label.name)
        missing = self.source.missing(batch.rows.columns[at])
        if not self.reads_labels:
            missing = np.ones(len(values), dtype=np.bool_)
        places = np.full(len(values), -1)
        own = np.flatnonzero(missing)
        if not len(own):
            return
        weights = self._weights(values[own], self._places(batch)[own])
        places[own] = weights.argmax(axis=1)
        cells = columns[at]
        names = label.render(places[rows], text=is_text(cells.type))
        columns[at] = _put(cells, names, missing[rows])
        self.labelled += len(own)

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

    def _put(
        self, cells: pa.Array, kind: Kind, values: Floats, missing: NDArray[np.bool_]
    ) -> pa.Array:
        """Set the missing cells of a column to values, the column's type kept."""
        # A typed file may keep numbers or truth values as text.
        rendered = kind.render(
            np.where(missing, values, np.nan), text=is_text(cells.type)
        )
        return _put(cells, rendered, missing)

    def _fill_constants(self, columns: list[pa.Array], copies: int) -> None:
        for column in self.constants:
            at = self.source.names.index(column.name)
            missing = self.source.missing(columns[at])
            if missing.any():
                kind = reading.plain(columns[at]).type
                value = constant_cells(column.value, len(missing), kind)
                columns[at] = _put(columns[at], value, missing)
                self.filled[column.name] += int(missing.sum()) // copies

    def summary(self) -> dict[str, Any]:
        """Count the filled cells of each column, and those that held a value."""
        return {
            "rows": self.rows,
            "filled": sum(self.filled.values()),
            "columns": {name: count for name, count in self.filled.items() if count},
            "replaced": self.replaced,
            "left": {name: count for name, count in self.left.items() if count},
            "infinite": self.infinite,
            "novel": self.novelty.found,
            "empty": self.empty,
            "labelled": self.labelled,
            "draws": self.wanted.draws or None,
        }


def _put(cells: pa.Array, filling: pa.Array, missing: NDArray[np.bool_]) -> pa.Array:
    """Replace the missing cells, the type kept, dictionaries included."""
    kind, plain = cells.type, reading.plain(cells)
    filling = filling.cast(plain.type, safe=False)
    filled = pc.if_else(pa.array(missing), filling, plain)
    if pa.types.is_dictionary(kind):
        filled = filled.dictionary_encode()
    return filled.cast(kind)
