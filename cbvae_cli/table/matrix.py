"""Values of a table to the matrix that networks see, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.kind import NOVEL, Block, Kind

# Blocks are put together by likelihood, so that each density sees one slice.
ORDER = ("gaussian", "unit", "bernoulli", "count", "categorical")


@dataclass(frozen=True)
class Span:
    """A run of matrix columns that one likelihood explains.

    Attributes
    ----------
    likelihood : str
        Key in `cbvae_cli.likelihoods.LIKELIHOODS`.
    start, stop : int
        Matrix columns, `stop` excluded.
    cells : tuple of int
        Table columns in the order of their blocks.
    widths : tuple of int
        Matrix columns of each of them.
    """

    likelihood: str
    start: int
    stop: int
    cells: tuple[int, ...]
    widths: tuple[int, ...]


@dataclass(frozen=True)
class Encoded:
    """Rows as networks see them.

    Attributes
    ----------
    matrix : float32 array, shape (n_rows, width)
        0 in the place of hidden cells.
    observed : bool array, shape (n_rows, n_columns)
        False where a cell is missing or holds a category that training never saw.
    novel : int array, shape (n_rows,)
        Cells with a category that training never saw.
    """

    matrix: Block
    observed: Bools
    novel: NDArray[np.int64]


@dataclass(frozen=True)
class Layout:
    """Which matrix columns belong to which table column.

    Attributes
    ----------
    kinds : tuple of Kind
        One a modelled column, in table order.
    likelihoods : tuple of str
        The likelihood of each.
    """

    kinds: tuple[Kind, ...]
    likelihoods: tuple[str, ...]

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """Runs of columns by likelihood, in matrix order."""
        spans, start = [], 0
        for likelihood in ORDER:
            cells = tuple(
                place
                for place, name in enumerate(self.likelihoods)
                if name == likelihood
            )
            if cells:
                widths = tuple(self.kinds[place].width for place in cells)
                stop = start + sum(widths)
                spans.append(Span(likelihood, start, stop, cells, widths))
                start = stop
        return tuple(spans)

    @property
    def width(self) -> int:
        """Count matrix columns."""
        return self.spans[-1].stop if self.spans else 0

    @cached_property
    def blocks(self) -> tuple[slice, ...]:
        """Matrix columns of each table column."""
        found: dict[int, slice] = {}
        for span in self.spans:
            start = span.start
            for cell, width in zip(span.cells, span.widths, strict=True):
                found[cell] = slice(start, start + width)
                start += width
        return tuple(found[cell] for cell in range(len(self.kinds)))

    @cached_property
    def owner(self) -> NDArray[np.int64]:
        """Table column of each matrix column, shape (width,)."""
        owner = np.empty(self.width, dtype=np.int64)
        for cell, block in enumerate(self.blocks):
            owner[block] = cell
        return owner

    def encode(self, values: Floats) -> Encoded:
        """Encode values, shape (n_rows, n_columns), NaN where missing."""
        matrix = np.empty((len(values), self.width), dtype=np.float32)
        for cell, (kind, block) in enumerate(zip(self.kinds, self.blocks, strict=True)):
            matrix[:, block] = kind.encode(values[:, cell])
        novel = self.novel(values)
        observed = ~np.isnan(values) & ~novel
        return Encoded(matrix, observed, novel.sum(axis=1))

    def novel(self, values: Floats) -> Bools:
        """Mark words that training never saw, shape (n_rows, n_columns)."""
        codes = [cell for cell, kind in enumerate(self.kinds) if kind.codes]
        found = np.zeros(values.shape, dtype=bool)
        found[:, codes] = values[:, codes] == NOVEL
        return found

    def known(self, values: Floats) -> Floats:
        """Make missing the words that training never saw, shape as `values`."""
        return np.where(self.novel(values), np.nan, values)

    def expected(self, mean: Block, deviation: Block) -> list[Floats]:
        """Give what each table column is expected to hold.

        Parameters
        ----------
        mean, deviation : float32 array, shape (n_rows, width)

        Returns
        -------
        list of float64 array, shape (n_rows, k)
            One a table column; see `Kind.expected`.
        """
        return [
            kind.expected(
                mean[:, block].astype(np.float64),
                deviation[:, block].astype(np.float64),
            )
            for kind, block in zip(self.kinds, self.blocks, strict=True)
        ]

    def drawn(self, mean: Block, deviation: Block, noise: Floats) -> Floats:
        """Draw encoded rows, shape (n_rows, width).

        Parameters
        ----------
        mean, deviation : float32 array, shape (n_rows, width)
        noise : float64 array, shape (n_rows, width)
            Standard normal.
        """
        found = np.empty(noise.shape)
        for kind, block in zip(self.kinds, self.blocks, strict=True):
            found[:, block] = kind.drawn(
                mean[:, block].astype(np.float64),
                deviation[:, block].astype(np.float64),
                noise[:, block],
            )
        return found

    def settle(self, expected: Sequence[Floats]) -> Floats:
        """Pick values from expected ones, shape (n_rows, n_columns)."""
        settled = [
            kind.settle(cell) for kind, cell in zip(self.kinds, expected, strict=True)
        ]
        return np.stack(settled, axis=1)


def layout_of(kinds: Sequence[Kind], instead: Mapping[str, str]) -> Layout:
    """Lay out columns.

    Parameters
    ----------
    kinds : sequence of Kind
    instead : mapping of str to str
        Likelihoods to use in the place of a kind's own.

    Returns
    -------
    Layout
    """
    own = (kind.likelihood for kind in kinds)
    return Layout(tuple(kinds), tuple(instead.get(name, name) for name in own))
