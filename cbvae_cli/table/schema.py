"""The columns of a table as a bundle knows them, and rows read by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.cells import BadCell, Bools, Floats, spelt
from cbvae_cli.table.kind import Arrays, Kind, kind_class, under
from cbvae_cli.table.label import Label
from cbvae_cli.table.lacking import check_columns
from cbvae_cli.table.source import Batch, Source
from cbvae_cli.table.ties import Tie, restore_tie
from cbvae_cli.table.wording import choice, misfit_hint

LEFT_OUT = ("excluded", "unsupported", "group", "time", "weight")


@dataclass(frozen=True)
class Column:
    """One column of the training table, the label apart.

    Attributes
    ----------
    name : str
    role : str
        `"modelled"`, or why it is not: `"constant"`, `"empty"`, `"identifier"`,
        `"excluded"`, `"unsupported"`, or what it steered in training: `"group"`,
        `"time"`, `"weight"`.
    kind : Kind or None
        How it is read and modelled; None unless modelled.
    storage : str
        Arrow type in typed files.
    value : str
        The one value of a constant column, else empty.
    """

    name: str
    role: str
    kind: Kind | None
    storage: str
    value: str = ""

    @property
    def left_out(self) -> bool:
        """Tell whether synthetic rows go without the column."""
        return self.role in LEFT_OUT


@dataclass(frozen=True)
class Schema:
    """All columns of the training table, in its order.

    Attributes
    ----------
    columns : tuple of Column
    label : Label
    label_at : int
        How many columns stand before the label.
    ties : tuple of Tie
        Columns that follow from others, in an order in which they can be followed.
    """

    columns: tuple[Column, ...]
    label: Label
    label_at: int
    ties: tuple[Tie, ...] = ()

    @cached_property
    def modelled(self) -> tuple[Column, ...]:
        """Columns that the networks see."""
        return tuple(c for c in self.columns if c.kind is not None)

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of the modelled columns."""
        return tuple(c.kind for c in self.columns if c.kind is not None)

    def check(self, source: Source) -> None:
        """Refuse a table that lacks a column which the model needs."""
        known = {column.name for column in self.columns} | {self.label.name}
        check_columns(source, [column.name for column in self.modelled], known)

    def values(self, source: Source, batch: Batch) -> tuple[Floats, int]:
        """Read the modelled columns of a batch.

        Returns
        -------
        values : float64 array, shape (n_rows, n_modelled)
            NaN where missing, `NOVEL` for a category that training never saw.
        infinite : int
            Infinite cells, which are read as missing.

        Raises
        ------
        DataProblem
            At the first cell that does not fit its column.
        """
        values = np.empty((batch.rows.num_rows, len(self.modelled)), order="F")
        for place, column in enumerate(self.modelled):
            values[:, place] = self._column_values(source, batch, column)
        infinite = np.isinf(values)
        values[infinite] = np.nan
        return values, int(infinite.sum())

    def _column_values(self, source: Source, batch: Batch, column: Column) -> Floats:
        assert column.kind is not None
        cells = batch.rows.column(source.names.index(column.name))
        lenient = column.kind.name != "categorical"
        missing = source.missing(cells, lenient=lenient)
        try:
            return column.kind.parse(cells, missing)
        except BadCell as bad:
            written = source.as_written(bad.value)
            raise DataProblem(
                f"column '{column.name}' does not fit: training saw "
                f"{_seen_as(column.kind)}",
                where=f"{source.where(batch, bad.row)}: {_short(written)}",
                expected=bad.expected,
                hint=misfit_hint(written),
            ) from None

    def labels(self, source: Source, batch: Batch) -> NDArray[np.int64]:
        """Read the label column of a batch, where it has one.

        Returns
        -------
        int array, shape (n_rows,)
            Place of each row's class, -1 where the label is missing.
        """
        if self.label.name not in source.names:
            return np.full(batch.rows.num_rows, -1)
        places, foreign = self.label_places(source, batch)
        if foreign.any():
            row = int(np.argmax(foreign))
            cells = batch.rows.column(source.names.index(self.label.name))
            raise DataProblem(
                f"label column '{self.label.name}' names a class that is not in "
                "the bundle",
                where=f"{source.where(batch, row)}: {_short(spelt(cells, row))}",
                expected=choice(self.label.classes) + ", or a missing cell",
                hint=f"add --hide '{self.label.name}' to leave the labels unread",
            )
        return places

    def label_places(
        self, source: Source, batch: Batch
    ) -> tuple[NDArray[np.int64], Bools]:
        """Read a label column that is there; see `Label.read`."""
        cells = batch.rows.column(source.names.index(self.label.name))
        return self.label.read(cells, source.missing(cells))

    def describe(self) -> dict[str, Any]:
        """Give the JSON form, without arrays."""
        return {
            "columns": [_describe(column) for column in self.columns],
            "label_at": self.label_at,
            "ties": [tie.describe() for tie in self.ties],
        }

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give the fitted numbers of all columns, by `place/name`."""
        return {
            f"{place}/{name}": array
            for place, column in enumerate(self.columns)
            if column.kind is not None
            for name, array in column.kind.arrays().items()
        }

    @classmethod
    def restore(
        cls, described: Mapping[str, Any], arrays: Arrays, label: Label
    ) -> Schema:
        """Build from `describe`, `arrays` and the label."""
        columns = tuple(
            _restore(item, under(arrays, f"{place}/"))
            for place, item in enumerate(described["columns"])
        )
        ties = tuple(restore_tie(item) for item in described.get("ties", ()))
        return cls(columns, label, described["label_at"], ties)


def _describe(column: Column) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": column.name,
        "role": column.role,
        "storage": column.storage,
        "value": column.value,
    }
    if column.kind is not None:
        described["kind"] = column.kind.name
        described["fitted"] = column.kind.describe()
    return described


def _restore(item: Mapping[str, Any], arrays: Arrays) -> Column:
    kind = None
    if "kind" in item:
        kind = kind_class(item["kind"]).restore(item["fitted"], arrays)
    return Column(item["name"], item["role"], kind, item["storage"], item["value"])


def _short(value: str) -> str:
    return repr(value if len(value) <= 60 else value[:57] + "...")


def _seen_as(kind: Kind) -> str:
    seen = {"boolean": "two values", "moment": "dates or times", "categorical": "names"}
    return seen.get(kind.name, "numbers")
