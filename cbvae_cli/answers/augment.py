"""Synthetic rows of classes that look as their training rows do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cbvae_cli.answers.making import BLOCK, Maker
from cbvae_cli.answers.model import Model
from cbvae_cli.answers.rendering import constant_cells
from cbvae_cli.errors import DataProblem
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.number import arrow_type
from cbvae_cli.table.source import Source

MARK = "synthetic"  # the column that tells made rows from real ones


@dataclass(frozen=True)
class Made:
    """Some synthetic rows of a class.

    Attributes
    ----------
    place : int
    values : float64 array, shape (n_rows, n_modelled)
    """

    place: int
    values: Floats


class Augment:
    """Makes rows in batches.

    Parameters
    ----------
    maker : Maker
    wanted : mapping of int to int
        Rows to make of each class; classes come one after the other.
    text : bool
        Whether cells are written as text (CSV) or in the columns' Arrow types.
    """

    def __init__(self, maker: Maker, wanted: Mapping[int, int], *, text: bool) -> None:
        self.maker = maker
        self.model: Model = maker.model
        self.wanted = {place: n for place, n in wanted.items() if n}
        self.text = text
        self._schema = self._described()

    @property
    def n_rows(self) -> int:
        """Count rows to make."""
        return sum(self.wanted.values())

    def schema(self) -> pa.Schema:
        """Columns of training, label included, in their order."""
        return self._schema

    def _described(self) -> pa.Schema:
        schema = self.model.schema
        fields = [
            pa.field(column.name, self._type(column.storage))
            for column in schema.columns
            if not column.left_out
        ]
        label = pa.field(schema.label.name, self._type(schema.label.storage))
        fields.insert(self._label_at(), label)
        return pa.schema(fields)

    def _type(self, storage: str) -> pa.DataType:
        return pa.string() if self.text else arrow_type(storage)

    def _label_at(self) -> int:
        before = self.model.schema.columns[: self.model.schema.label_at]
        return sum(not column.left_out for column in before)

    def blocks(self) -> Iterator[Made]:
        """Make the rows; the first n of a longer run of a class are the same rows."""
        for place, n_rows in self.wanted.items():
            for number, start in enumerate(range(0, n_rows, BLOCK)):
                size = min(BLOCK, n_rows - start)
                yield Made(place, self.maker.block(place, number, size))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Make the rows as they are written."""
        for made in self.blocks():
            yield self.render(made)

    def render(self, made: Made) -> pa.RecordBatch:
        """Write rows as the text or the types of their columns."""
        schema, n_rows = self.model.schema, len(made.values)
        values = iter(made.values.T)
        arrays = []
        for column in schema.columns:
            if column.left_out:
                continue
            if column.kind is not None:
                cells = column.kind.render(next(values), text=self.text)
            elif column.role == "constant":
                kind = self._type(column.storage)
                cells = constant_cells(column.value, n_rows, kind)
            else:
                cells = pa.nulls(n_rows)
            arrays.append(cells.cast(self._type(column.storage), safe=False))
        places: NDArray[np.int64] = np.full(n_rows, made.place)
        label = schema.label.render(places, text=self.text)
        arrays.insert(self._label_at(), label.cast(self._type(schema.label.storage)))
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def summary(self) -> dict[str, Any]:
        """Say what was made."""
        names = {self.model.classes[place]: n for place, n in self.wanted.items()}
        found: dict[str, Any] = {"rows": self.n_rows, "classes": names}
        if len(names) == 1:
            found["class"] = next(iter(names))
        return found


@dataclass(frozen=True)
class Beside:
    """Puts made rows behind the real ones, with a column that tells them apart.

    Attributes
    ----------
    source : Source
        The real rows, as they are written (after typing).
    prefix : str
        Of the added column.
    """

    source: Source
    prefix: str

    @property
    def mark(self) -> str:
        """Name of the column that is 1 for made rows."""
        return self.prefix + MARK

    def check(self) -> None:
        """Refuse a table that has the column already."""
        if self.mark in self.source.names:
            raise DataProblem(
                f"the table has a column '{self.mark}' already",
                where=self.source.name,
                hint="choose another name with --prefix",
            )

    def schema(self, real: pa.Schema) -> pa.Schema:
        """Give the columns of all rows, from those of the real ones."""
        return real.append(pa.field(self.mark, pa.int8()))

    def marked(
        self, rows: pa.RecordBatch, schema: pa.Schema, *, made: bool
    ) -> pa.RecordBatch:
        """Give rows the columns of `schema`; columns that they lack are empty."""
        marks = pa.array(np.full(rows.num_rows, made, dtype=np.int8))
        arrays = [
            _cast(rows.column(field.name), field.type)
            if field.name in rows.schema.names
            else pa.nulls(rows.num_rows, field.type)
            for field in list(schema)[:-1]
        ]
        return pa.RecordBatch.from_arrays([*arrays, marks], schema=schema)


def _cast(cells: pa.Array, kind: pa.DataType) -> pa.Array:
    if cells.type.equals(kind):
        return cells
    if pa.types.is_dictionary(kind):
        return cells.cast(kind.value_type).dictionary_encode().cast(kind)
    return cells.cast(kind, safe=False)
