"""Columns that follow exactly from others: sums, products, ratios, lookups, flags."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from cbvae_cli.table.cells import Floats


@dataclass(frozen=True)
class Tie(ABC):
    """A column that others determine.

    Attributes
    ----------
    name : str
        Key in `TIES`.
    target : str
        The column that follows.
    sources : tuple of str
        Those that it follows from.
    """

    target: str
    sources: tuple[str, ...]

    name: ClassVar[str]
    reads_gaps: ClassVar[bool] = False  # whether it asks if a cell is missing
    yields: ClassVar[bool] = False  # whether `source_for` has an answer

    @abstractmethod
    def follow(self, cells: Sequence[Floats]) -> Floats:
        """Give the target's values before rounding, shape (n_rows,).

        Parameters
        ----------
        cells : sequence of float64 arrays, shape (n_rows,)
            Values of the sources, in their order.
        """

    def source_for(self, at: int, cells: Sequence[Floats], wanted: Floats) -> Floats:
        """Give a source's values from which wanted ones of the target would follow.

        Parameters
        ----------
        at : int
            Which source.
        cells : sequence of float64 arrays, shape (n_rows,)
            Values of all sources.
        wanted : float64 array, shape (n_rows,)

        Returns
        -------
        float64 array, shape (n_rows,)
            As it is where nothing else will do.
        """
        return cells[at]

    def describe(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {"kind": self.name, "target": self.target, "sources": [*self.sources]}


@dataclass(frozen=True)
class Sum(Tie):
    """A weighted sum; equal columns are one of weight 1.

    Attributes
    ----------
    weights : tuple of float
    offset : float
    """

    weights: tuple[float, ...] = ()
    offset: float = 0.0

    name: ClassVar[str] = "sum"

    def follow(self, cells: Sequence[Floats]) -> Floats:
        """Add up."""
        total = np.full(len(cells[0]), self.offset)
        for weight, cell in zip(self.weights, cells, strict=True):
            total = total + weight * cell
        return total

    def describe(self) -> dict[str, Any]:
        """Give weights and offset too."""
        more = {"weights": [*self.weights], "offset": self.offset}
        return super().describe() | more


@dataclass(frozen=True)
class Product(Tie):
    """Two columns multiplied."""

    name: ClassVar[str] = "product"
    yields: ClassVar[bool] = True

    def follow(self, cells: Sequence[Floats]) -> Floats:
        """Multiply."""
        return cells[0] * cells[1]

    def source_for(self, at: int, cells: Sequence[Floats], wanted: Floats) -> Floats:
        """Divide what is wanted by the other factor."""
        other = np.where(cells[1 - at] == 0, np.nan, cells[1 - at])
        found = wanted / other
        return np.where(np.isnan(found), cells[at], found)


@dataclass(frozen=True)
class Ratio(Tie):
    """A column divided by another."""

    name: ClassVar[str] = "ratio"
    yields: ClassVar[bool] = True

    def follow(self, cells: Sequence[Floats]) -> Floats:
        """Divide; NaN where the divisor is 0."""
        over = np.where(cells[1] == 0, np.nan, cells[1])
        return cells[0] / over

    def source_for(self, at: int, cells: Sequence[Floats], wanted: Floats) -> Floats:
        """Multiply, or divide by what is wanted."""
        if at == 0:
            return wanted * cells[1]
        over = np.where(wanted == 0, np.nan, wanted)
        found = cells[0] / over
        return np.where(np.isnan(found), cells[1], found)


@dataclass(frozen=True)
class Lookup(Tie):
    """A value for each category of one column.

    Attributes
    ----------
    values : tuple of float
        By the category's code; None for a code that no row held.
    """

    values: tuple[float | None, ...] = field(default=())

    name: ClassVar[str] = "lookup"

    def follow(self, cells: Sequence[Floats]) -> Floats:
        """Look up; NaN for a code that no row held."""
        known = np.array([np.nan if v is None else v for v in self.values] + [np.nan])
        codes = np.nan_to_num(cells[0], nan=-1.0).astype(np.int64)
        codes[(codes < 0) | (codes >= len(self.values))] = len(self.values)
        found: Floats = known[codes]
        return found

    def describe(self) -> dict[str, Any]:
        """Give the values too."""
        return super().describe() | {"values": [*self.values]}


@dataclass(frozen=True)
class Presence(Tie):
    """A flag that says whether a cell holds a value.

    Attributes
    ----------
    present, absent : float
        Values of the flag.
    """

    present: float = 1.0
    absent: float = 0.0

    name: ClassVar[str] = "presence"
    reads_gaps: ClassVar[bool] = True

    def follow(self, cells: Sequence[Floats]) -> Floats:
        """Set the flag."""
        return np.where(np.isnan(cells[0]), self.absent, self.present)

    def describe(self) -> dict[str, Any]:
        """Give the flag's values too."""
        more = {"present": self.present, "absent": self.absent}
        return super().describe() | more


KINDS: tuple[type[Tie], ...] = (Sum, Product, Ratio, Lookup, Presence)
TIES = {kind.name: kind for kind in KINDS}


def restore_tie(described: Mapping[str, Any]) -> Tie:
    """Build a tie from `Tie.describe`."""
    fields = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in described.items()
        if name != "kind"
    }
    kind: Callable[..., Tie] = TIES[described["kind"]]
    return kind(**fields)
