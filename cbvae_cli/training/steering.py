"""Groups, times and weights of rows: columns that steer training, unseen by networks.

Each reader takes in batch after batch and gives one array in the end, of the rows
that are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cbvae_cli.errors import DataProblem
from cbvae_cli.table import cells as reading
from cbvae_cli.table import moment
from cbvae_cli.table.cells import BadCell, Bools, Floats
from cbvae_cli.table.label import class_names
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.source import Batch, Source
from cbvae_cli.table.wording import shown

Way = Callable[[pa.Array, Bools], Floats]


@dataclass(frozen=True)
class Rows:
    """A batch, and which of its rows count.

    Attributes
    ----------
    source : Source
    batch : Batch
    labelled : bool array, shape (n_rows,)
        Rows without a label may hold anything.
    kept : bool array, shape (n_rows,)
        Those labelled rows that the table takes.
    """

    source: Source
    batch: Batch
    labelled: Bools
    kept: Bools

    def cells(self, name: str, *, lenient: bool) -> tuple[pa.Array, Bools]:
        """Give a column, its unlabelled rows null, and its missing labelled rows."""
        cells = self.batch.rows.column(self.source.names.index(name))
        missing = self.source.missing(cells, lenient=lenient)
        cells = reading.without(reading.plain(cells), missing | ~self.labelled)
        return cells, missing & self.labelled

    def where(self, row: int, value: object = None) -> str:
        """Name the place of a row, and the cell found there."""
        place = self.source.where(self.batch, row)
        return place if value is None else f"{place}: {shown(value)}"


class Reader(Protocol):
    """One steering column on its way to an array."""

    def take(self, rows: Rows) -> None:
        """Take in a batch; raises `DataProblem` at a cell that does not fit."""

    def finish(self) -> NDArray[Any]:
        """Give the array, shape (n_kept,)."""


class Groups:
    """Gives rows of equal text equal codes, and each missing cell a code of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._parts: list[pa.DictionaryArray] = []

    def take(self, rows: Rows) -> None:
        """Take in a batch."""
        cells, missing = rows.cells(self.name, lenient=False)
        names = class_names(cells, missing).filter(pa.array(rows.kept))
        # Encoded batch by batch: a few codes weigh less than as many names.
        self._parts.append(names.dictionary_encode())

    def finish(self) -> NDArray[np.int64]:
        """Give the codes, in order of first appearance."""
        together = pa.chunked_array(self._parts).unify_dictionaries()
        codes = np.concatenate(
            [
                part.indices.fill_null(-1).to_numpy(zero_copy_only=False)
                for part in together.chunks
            ]
        ).astype(np.int64)
        alone = codes < 0
        codes[alone] = codes.max(initial=-1) + 1 + np.arange(alone.sum())
        return codes


class Times:
    """Reads numbers or dates, whichever way of writing reads every cell.

    Every way that still reads all cells is kept until the end: whether 03/04/2024
    names a day of March or of April may turn out late.
    """

    def __init__(self, name: str, *, text: bool) -> None:
        self.name = name
        patterns = (moment.ISO, *moment.PATTERNS) if text else (moment.ISO,)
        ways: list[Way] = [reading.numbers]
        ways += [partial(moment.seconds, pattern=pattern) for pattern in patterns]
        self._ways: list[tuple[Way, list[Floats]]] = [
            (partial(_finite, way), []) for way in ways
        ]
        self._missing, self._first_missing = 0, ""

    def take(self, rows: Rows) -> None:
        """Take in a batch."""
        cells, missing = rows.cells(self.name, lenient=True)
        if missing.any() and not self._missing:
            self._first_missing = rows.where(int(np.argmax(missing)))
        self._missing += int(missing.sum())
        reading_all, misfits = [], []
        for way, parts in self._ways:
            try:
                parts.append(way(cells, missing)[rows.kept])
                reading_all.append((way, parts))
            except BadCell as bad:
                misfits.append(bad)
        if not reading_all:
            # The way that read furthest is the one that was meant.
            worst = max(misfits, key=lambda misfit: misfit.row)
            raise DataProblem(
                f"--time column '{self.name}' holds a cell unlike the others",
                where=rows.where(worst.row, worst.value),
                expected="a number in every row, or a date written in one way",
            )
        self._ways = reading_all

    def finish(self) -> Floats:
        """Give numbers, or seconds since the epoch."""
        if self._missing:
            rows = "1 row has" if self._missing == 1 else f"{self._missing} rows have"
            raise DataProblem(
                f"{rows} no time in column '{self.name}'",
                where=f"{self._first_missing} is the first",
                expected="a number or a date in every row",
                hint="leave those rows out, or train without --time",
            )
        return np.concatenate(self._ways[0][1])


class Weights:
    """Reads numbers of 0 or more."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._parts: list[Floats] = []

    def take(self, rows: Rows) -> None:
        """Take in a batch."""
        cells, missing = rows.cells(self.name, lenient=True)
        try:
            values = _finite(reading.numbers, cells, missing)
        except BadCell as bad:
            raise self._refused("is no number", rows, bad.row, bad.value) from None
        if missing.any():
            raise self._refused("is missing", rows, int(np.argmax(missing)))
        if (values < 0).any():
            row = int(np.argmax(values < 0))
            raise self._refused("is negative", rows, row, cells[row])
        self._parts.append(values[rows.kept])

    def _refused(
        self, what: str, rows: Rows, row: int, value: object = None
    ) -> DataProblem:
        return DataProblem(
            f"a weight in column '{self.name}' {what}",
            where=rows.where(row, value),
            expected="a number of 0 or more in every row",
        )

    def finish(self) -> Floats:
        """Give the weights."""
        return np.concatenate(self._parts)


def _finite(way: Way, cells: pa.Array, missing: Bools) -> Floats:
    values = way(cells, missing)
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.argmax(infinite))
        raise BadCell(row, reading.spelt(cells, row), "a finite value")
    return values


def readers(schema: Schema, source: Source) -> dict[str, Reader]:
    """Give a reader for each steering column of the training table, by role."""
    found: dict[str, Reader] = {}
    for column in schema.columns:
        if column.role == "group":
            found["group"] = Groups(column.name)
        elif column.role == "time":
            kind = source.schema.field(column.name).type
            found["time"] = Times(column.name, text=reading.is_text(kind))
        elif column.role == "weight":
            found["weight"] = Weights(column.name)
    return found


def check_weights(
    weights: Floats, labels: NDArray[np.int64], schema: Schema, name: str
) -> None:
    """Refuse training rows that, all or those of one class, weigh nothing.

    Parameters
    ----------
    weights : float64 array, shape (n_rows,)
    labels : int array, shape (n_rows,)
    schema : Schema
    name : str
        The table's.
    """
    classes = schema.label.classes
    sums = np.bincount(labels, weights=weights, minlength=len(classes))
    if not sums.any():
        raise DataProblem("every row has weight 0", where=name)
    if (sums == 0).any():
        idle = classes[int(np.argmax(sums == 0))]
        raise DataProblem(
            f"every row of class '{idle}' has weight 0",
            where=name,
            expected="a row to learn from in each class",
            hint="leave out the rows of that class, or give them weight",
        )
