"""Cells of all columns side by side: amounts in deviations, names as shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.kind import NOVEL, Kind

ROUNDING = 1e-12  # of a mean: equal numbers seem to differ by so much
FAR = 8.0  # deviations; what lies farther out is taken to lie there


@dataclass(frozen=True)
class Cells:
    """How table columns become columns of one array, and back.

    A column of amounts becomes one of (value - centre) / spread; one of names becomes
    one for each word, holding its probability. Days with a time of day have two
    expected values: they are passed through.

    Attributes
    ----------
    kinds : tuple of Kind
        One a table column.
    centre, spread : float64 array, shape (width,)
        Of amounts in training; 0 and 1 for all others.
    """

    kinds: tuple[Kind, ...]
    centre: Floats
    spread: Floats

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Columns of each table column."""
        widths = _widths(self.kinds)
        stops = np.cumsum(widths)
        return tuple(
            slice(int(stop) - width, int(stop))
            for stop, width in zip(stops, widths, strict=True)
        )

    @property
    def width(self) -> int:
        """Count columns."""
        return len(self.centre)

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """Table column of each column, shape (width,)."""
        return _owner(self.kinds)

    @cached_property
    def amounts(self) -> NDArray[np.int64]:
        """Columns that hold amounts, shape (n_amounts,)."""
        return np.flatnonzero(_amounts(self.kinds))

    @cached_property
    def names(self) -> tuple[slice, ...]:
        """Columns of each table column of names."""
        return tuple(
            block
            for block, kind in zip(self.blocks, self.kinds, strict=True)
            if kind.codes
        )

    @cached_property
    def learnt(self) -> Bools:
        """Mark columns that are not passed through, shape (width,)."""
        found = _amounts(self.kinds)
        for block in self.names:
            found[block] = True
        return found

    def of(self, values: Floats) -> Floats:
        """Lay values out, shape (n_rows, width).

        NaN where missing, never heard of or passed through.

        Parameters
        ----------
        values : float64 array, shape (n_rows, n_columns)
        """
        found = np.full((len(values), self.width), np.nan)
        for block, kind, cells in zip(self.blocks, self.kinds, values.T, strict=True):
            if kind.codes:
                each = cells[:, None] == np.arange(block.stop - block.start)
                absent = np.isnan(cells) | (cells == NOVEL)
                found[:, block] = np.where(absent[:, None], np.nan, each)
        at = self.amounts
        units = (values[:, self.owner[at]] - self.centre[at]) / self.spread[at]
        found[:, at] = np.clip(units, -FAR, FAR)
        return found

    def to_units(self, flat: Floats) -> Floats:
        """Put amounts on the networks' scale, where columns are nearly normal.

        Parameters
        ----------
        flat : float64 array, shape (..., width)
            Amounts in deviations; all else stays.
        """
        found = flat.copy()
        for column in self.amounts:
            kind = self.kinds[self.owner[column]]
            cells = flat[..., column] * self.spread[column] + self.centre[column]
            found[..., column] = kind.encode(cells.ravel()).reshape(cells.shape)
        return found

    def from_units(self, units: Floats) -> Floats:
        """Undo `to_units`, shape (..., width)."""
        found = units.copy()
        for column in self.amounts:
            kind = self.kinds[self.owner[column]]
            block = units[..., column].reshape(-1, 1)
            cells = kind.expected(block, np.zeros_like(block)).reshape(units.shape[:-1])
            found[..., column] = (cells - self.centre[column]) / self.spread[column]
        return found

    def join(self, expected: Sequence[Floats]) -> Floats:
        """Lay out what `Layout.expected` gives, shape (n_rows, width)."""
        found = np.empty((len(expected[0]), self.width))
        for block, cells in zip(self.blocks, expected, strict=True):
            if cells.shape[1] < block.stop - block.start:  # the second word's share
                cells = np.concatenate([1 - cells, cells], axis=1)
            found[:, block] = cells
        units: Floats = (found - self.centre) / self.spread
        return units

    def part(self, flat: Floats) -> list[Floats]:
        """Undo `join`: give what `Layout.settle` takes."""
        cells = flat * self.spread + self.centre
        return [
            cells[:, block][:, block.stop - block.start - kind.width :]
            for block, kind in zip(self.blocks, self.kinds, strict=True)
        ]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Give centre and spread, by name."""
        return {"centre": self.centre, "spread": self.spread}

    @classmethod
    def restore(
        cls, kinds: Sequence[Kind], arrays: Mapping[str, NDArray[Any]]
    ) -> Cells:
        """Build from `arrays`; raises ValueError on a misfit."""
        for name in ("centre", "spread"):
            array = arrays[name]
            if array.shape != (sum(_widths(kinds)),) or array.dtype != np.float64:
                raise ValueError(f"{name} of cells has another dtype or shape")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} of cells is not finite")
        if not (arrays["spread"] > 0).all():
            raise ValueError("a spread of cells is not above 0")
        return cls(tuple(kinds), arrays["centre"], arrays["spread"])


def plain_cells(kinds: Sequence[Kind]) -> Cells:
    """Lay cells out in their own units."""
    width = sum(_widths(kinds))
    return Cells(tuple(kinds), np.zeros(width), np.ones(width))


def fit_cells(kinds: Sequence[Kind], values: Floats) -> Cells:
    """Fit centre and spread on training rows.

    Parameters
    ----------
    kinds : sequence of Kind
    values : float64 array, shape (n_rows, n_columns)
        NaN where missing.
    """
    amounts = _amounts(kinds)
    laid = values[:, _owner(kinds)]
    seen = ~np.isnan(laid) & amounts
    counts = np.maximum(seen.sum(axis=0), 1)
    centre = np.where(seen, laid, 0.0).sum(axis=0) / counts
    away = np.where(seen, laid - centre, 0.0)
    spread = np.sqrt(np.square(away).sum(axis=0) / counts)
    real = spread > ROUNDING * np.abs(centre)
    return Cells(tuple(kinds), centre, np.where(real, spread, 1.0))


def _widths(kinds: Sequence[Kind]) -> list[int]:
    return [max(2, kind.width) if kind.codes else kind.width for kind in kinds]


def _owner(kinds: Sequence[Kind]) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(kinds)), _widths(kinds))


def _amounts(kinds: Sequence[Kind]) -> Bools:
    each = [not kind.codes and kind.width == 1 for kind in kinds]
    return np.repeat(np.array(each, dtype=np.bool_), _widths(kinds))
