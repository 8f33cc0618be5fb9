"""The columns of a table by name, and whether their rows agree with a formula."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cbvae_cli.table.category import Category
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.count import Count
from cbvae_cli.table.kind import Kind
from cbvae_cli.table.moment import Moment
from cbvae_cli.table.number import Number
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.ties import Lookup, Presence, Tie

LEAST_ROWS = 30  # without gaps; fewer agree by chance
LEAST_VALUES = 4  # of a column that a formula gives
CLOSE = 1e-9  # of the largest value, for columns without a lattice
CLOSE_SINGLE = 1e-6  # the same, where cells have single precision


@dataclass(frozen=True)
class Numbers:
    """The amounts of a table.

    Attributes
    ----------
    names : tuple of str
    cells : float64 array, shape (n_rows, n_numbers)
    slack : float64 array, shape (n_numbers,)
        How far from a formula's value a cell may lie.
    targets : bool array, shape (n_numbers,)
        Columns with values enough to tell a formula from chance.
    """

    names: tuple[str, ...]
    cells: Floats
    slack: Floats
    targets: Bools


class TiedColumns:
    """Columns of a table by name."""

    def __init__(self, schema: Schema, values: Floats) -> None:
        self._values = values
        names = [column.name for column in schema.modelled]
        self._at = {name: place for place, name in enumerate(names)}
        self._kinds = dict(zip(names, schema.kinds, strict=True))

    def cells(self, name: str) -> Floats:
        """Give the values of a column, shape (n_rows,)."""
        found: Floats = self._values[:, self._at[name]]
        return found

    def numbers(self) -> Numbers:
        """Give the columns that hold amounts."""
        names = [
            name
            for name, kind in self._kinds.items()
            if isinstance(kind, Number | Count)
        ]
        cells = self._values[:, [self._at[name] for name in names]]
        slack = [
            _slack(self._kinds[name], column)
            for name, column in zip(names, cells.T, strict=True)
        ]
        many = [_many(column) for column in cells.T]
        return Numbers(
            tuple(names), cells, np.array(slack), np.array(many, dtype=np.bool_)
        )

    def lookups(self) -> Iterator[Tie]:
        """Suppose that every category of a column gives one value of another."""
        for source, kind in self._kinds.items():
            if not isinstance(kind, Category):
                continue
            for target, other in self._kinds.items():
                if target == source or len(kind.names) < _values_of(other):
                    continue
                tie = self._lookup(source, len(kind.names), target)
                if tie is not None:
                    yield tie

    def _lookup(self, source: str, n_codes: int, target: str) -> Tie | None:
        codes, given = self.cells(source), self.cells(target)
        named = (codes >= 0) & (codes < n_codes) & ~np.isnan(given)
        if named.sum() < LEAST_ROWS:
            return None
        places = codes[named].astype(np.int64)
        values = np.full(n_codes, np.nan)
        values[places] = given[named]
        other = self._kinds[target]
        nameless = isinstance(other, Category) and (values >= len(other.names)).any()
        differ = (values[places] != given[named]).any()
        if nameless or differ or len(np.unique(given[named])) < 2:
            return None
        known = tuple(None if np.isnan(value) else float(value) for value in values)
        return Lookup(target, (source,), known)

    def flags(self) -> Iterator[Tie]:
        """Suppose that a column of two values says whether another is missing."""
        gappy = [n for n in self._at if LEAST_ROWS <= self._missing(n).sum()]
        for target, kind in self._kinds.items():
            given = self.cells(target)
            seen = ~np.isnan(given)
            if _values_of(kind) != 2 or isinstance(kind, Number | Count | Moment):
                continue
            for source in gappy:
                missing = self._missing(source)[seen]
                present, absent = given[seen][~missing], given[seen][missing]
                if source == target or min(len(present), len(absent)) < LEAST_ROWS:
                    continue
                if present[0] != absent[0]:
                    values = float(present[0]), float(absent[0])
                    yield Presence(target, (source,), *values)

    def _missing(self, name: str) -> Bools:
        return np.isnan(self.cells(name))

    def obeys(self, tie: Tie, numbers: Numbers) -> bool:
        """Tell whether all rows without gaps agree with a tie."""
        if not {tie.target, *tie.sources} <= set(self._at):
            return False
        given = self.cells(tie.target)
        follows = tie.follow([self.cells(name) for name in tie.sources])
        seen = ~np.isnan(given)
        for name in () if tie.reads_gaps else tie.sources:
            seen &= ~np.isnan(self.cells(name))
        if isinstance(tie, Lookup | Presence):
            seen &= ~np.isnan(follows)  # a category that is rare
            return bool((given[seen] == follows[seen]).all())
        slack = numbers.slack[numbers.names.index(tie.target)]
        return bool((np.abs(given[seen] - follows[seen]) <= slack).all())

    def forgets(self, tie: Tie, numbers: Numbers) -> float:
        """Give the share of the target's spread that rounding takes; 0 if exact."""
        if isinstance(tie, Lookup | Presence):
            return 0.0
        given = self.cells(tie.target)
        off = np.abs(tie.follow([self.cells(name) for name in tie.sources]) - given)
        if np.nanmax(off) <= CLOSE * np.nanmax(np.abs(given)):
            return 0.0
        slack = numbers.slack[numbers.names.index(tie.target)]
        return float(slack / np.nanstd(given))

    def holds(self, tie: Tie, numbers: Numbers) -> bool:
        """Tell whether all rows agree, and enough of them."""
        named = () if tie.reads_gaps else tie.sources
        both = np.stack([self.cells(name) for name in (tie.target, *named)])
        seen = ~np.isnan(both).any(axis=0)
        return bool(seen.sum() >= LEAST_ROWS) and self.obeys(tie, numbers)


def _values_of(kind: Kind) -> int:
    """Count the categories of a column; 2 where it holds something else."""
    return len(kind.names) if isinstance(kind, Category) else 2


def _slack(kind: Kind, cells: Floats) -> float:
    """Give half a step of the lattice, or what rounding leaves."""
    decimals = kind.decimals if isinstance(kind, Number) else 0
    largest = float(np.nanmax(np.abs(cells), initial=0.0))
    single = isinstance(kind, Number) and kind.storage in ("float", "halffloat")
    rounding = largest * (CLOSE_SINGLE if single else CLOSE)
    if decimals is None:
        return rounding
    step: float = 10.0**-decimals
    return step / 2 + rounding


def _many(cells: Floats) -> bool:
    return len(np.unique(cells[~np.isnan(cells)])) >= LEAST_VALUES
