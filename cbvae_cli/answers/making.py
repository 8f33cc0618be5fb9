"""Rows of a class as values, kept only where they obey the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from cbvae_cli.answers.drawing import Members, Method
from cbvae_cli.answers.model import Model
from cbvae_cli.errors import DataProblem
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.count import Count
from cbvae_cli.table.kind import Kind
from cbvae_cli.table.number import Number

BLOCK = 4096  # rows drawn from one random stream, keyed by seed, class and block
LEAST_DRAWN = 64
MOST_DRAWN = 64 * BLOCK  # for one block, before it is given up


class Sieve(Protocol):
    """Lets some rows through."""

    why: str  # what rows fail that it holds back

    def keeps(self, place: int, values: Floats) -> Bools:
        """Mark the rows that may stay, shape (n_rows,)."""


class Maker:
    """Makes rows of classes as values.

    Parameters
    ----------
    model : Model
    methods : mapping of int to Method
        By class.
    seed : int
    keep_gaps : bool
        Whether cells go missing as in the class.
    sieves : sequence of Sieve
        Rows that one holds back are drawn again.

    Attributes
    ----------
    dropped : list of int
        Rows that each sieve held back.
    """

    def __init__(
        self,
        model: Model,
        methods: Mapping[int, Method],
        seed: int,
        *,
        keep_gaps: bool,
        sieves: Sequence[Sieve] = (),
    ) -> None:
        self.model = model
        self.methods = methods
        self.seed = seed
        self.keep_gaps = keep_gaps
        self.sieves = sieves
        self.dropped = [0] * len(sieves)
        self._members = tuple(range(model.family.n_members))

    def block(
        self, place: int, number: int, n_rows: int, members: Members = ()
    ) -> Floats:
        """Make the first rows of a block.

        Parameters
        ----------
        place : int
            The class.
        number : int
            Of the block; with the seed and the class it decides what is drawn.
        n_rows : int
            At most `BLOCK`; fewer rows are the first of more.
        members : sequence of int
            Who may draw; without any, all.

        Returns
        -------
        float64 array, shape (n_rows, n_modelled)
        """
        rng = np.random.default_rng([self.seed, place, number])
        gaps = np.random.default_rng([self.seed, place, number, 1])
        kept: list[Floats] = []
        drawn = held = 0
        while held < n_rows:
            if drawn > MOST_DRAWN:
                raise self._hopeless(place)
            # Chunks go by what came through, never by what is still wanted.
            rate = max(held / drawn, 1 / 64) if drawn else 1.0
            lacking = BLOCK - held
            size = int(np.clip(1.1 * lacking / rate, LEAST_DRAWN, BLOCK))
            size = BLOCK if not drawn else size
            values = self._draw(place, size, rng, members or self._members)
            if self.keep_gaps:
                values[self.model.gaps[place].draw(len(values), gaps)] = np.nan
            tell_gaps(self.model, values)
            values = self._sifted(place, values)
            kept.append(values)
            drawn, held = drawn + size, held + len(values)
        return np.concatenate(kept)[:n_rows]

    def rows(self, place: int, n_rows: int, members: Members = ()) -> Floats:
        """Make rows of a class at once, the same as block by block."""
        starts = range(0, n_rows, BLOCK)
        blocks = [
            self.block(place, number, min(BLOCK, n_rows - start), members)
            for number, start in enumerate(starts)
        ]
        return np.concatenate(blocks or [np.empty((0, len(self.model.schema.kinds)))])

    def _draw(
        self, place: int, size: int, rng: np.random.Generator, members: Members
    ) -> Floats:
        """Draw rows that obey the ties between columns."""
        drawn = self.methods[place](place, size, rng, members)
        values = settled(self.model, drawn)
        within = follow(self.model, values)
        return values[within] if not within.all() else values

    def _sifted(self, place: int, values: Floats) -> Floats:
        for number, sieve in enumerate(self.sieves):
            keeps = sieve.keeps(place, values)
            self.dropped[number] += int((~keeps).sum())
            values = values[keeps]
        return values

    def _hopeless(self, place: int) -> DataProblem:
        name = self.model.classes[place]
        most = self.dropped.index(max(self.dropped)) if any(self.dropped) else None
        why = "rows leave the range seen, or the method refuses them"
        if most is not None:
            why = self.sieves[most].why
        return DataProblem(
            f"hardly any row drawn for class '{name}' can be kept: {why}",
            expected="one row in 64, at the least, that can",
            hint="use --method prior",
        )


def settled(model: Model, drawn: Any) -> Floats:
    """Give the values that encoded rows stand for, shape (n_rows, n_modelled)."""
    layout = model.layout
    return layout.settle(layout.expected(drawn, np.zeros_like(drawn)))


def follow(model: Model, values: Floats) -> Bools:
    """Set columns that follow from others, in place.

    A ratio or product of two drawn cells is further off than a drawn one: one of the
    two, where nothing else hangs on it, is first moved so that the drawn one follows.

    Returns
    -------
    bool array, shape (n_rows,)
        False where a column would leave the range that training saw.
    """
    names = {column.name: at for at, column in enumerate(model.schema.modelled)}
    kinds = model.schema.kinds
    within, bound = np.ones(len(values), dtype=np.bool_), set[str]()
    for tie in model.schema.ties:
        if tie.reads_gaps or not {tie.target, *tie.sources} <= names.keys():
            continue
        at = names[tie.target]
        cells = [values[:, names[name]] for name in tie.sources]
        free = [n for n, name in enumerate(tie.sources) if name not in bound]
        if tie.yields and free:
            # What is moved loses least where its lattice is finest.
            one = max(free, key=lambda n: _digits(kinds[names[tie.sources[n]]]))
            moved = names[tie.sources[one]]
            found = tie.source_for(one, cells, values[:, at])
            values[:, moved] = on_lattice(kinds[moved], found)
            within &= _in_range(kinds[moved], values[:, moved])
        found = tie.follow(cells)
        known = ~np.isnan(found)
        lattice = on_lattice(kinds[at], found)
        within &= ~known | _in_range(kinds[at], lattice)
        values[known, at] = lattice[known]
        bound |= {tie.target, *tie.sources}
    return within


def _digits(kind: Kind) -> float:
    if isinstance(kind, Number):
        return np.inf if kind.decimals is None else kind.decimals
    return 0


def tell_gaps(model: Model, values: Floats) -> None:
    """Set the flags that say whether a cell holds a value, in place."""
    names = {column.name: at for at, column in enumerate(model.schema.modelled)}
    for tie in model.schema.ties:
        if tie.reads_gaps and {tie.target, *tie.sources} <= names.keys():
            at = names[tie.target]
            seen = ~np.isnan(values[:, at])
            found = tie.follow([values[:, names[name]] for name in tie.sources])
            values[seen, at] = found[seen]


def on_lattice(kind: Kind, values: Floats) -> Floats:
    """Round to the digits of a column, without a look at its range."""
    if isinstance(kind, Number) and kind.decimals is not None:
        rounded: Floats = np.round(values, kind.decimals)
        return rounded
    return np.round(values) if isinstance(kind, Count) else values


def _in_range(kind: Kind, values: Floats) -> Bools:
    if not isinstance(kind, Number | Count):
        return np.ones(len(values), dtype=np.bool_)
    inside: Bools = (values >= kind.low) & (values <= kind.high)
    return inside
