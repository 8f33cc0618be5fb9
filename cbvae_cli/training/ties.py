"""Finding the columns that follow exactly from others, by trying plain formulas.

A formula is tried on a few probing rows for all columns at once; what holds there is
held against every row. Values count as equal that round to the same place of the
target's lattice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Floats
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.ties import Product, Ratio, Sum, Tie
from cbvae_cli.training.tie_checks import LEAST_ROWS, Numbers, TiedColumns

Places = NDArray[np.int64]

PROBES = 16
MOST_PAIRED = 128  # columns whose pairs are tried
MOST_TRIPLED = 48
ALIKE = 0.999  # correlation from which a line is tried


def find_ties(schema: Schema, values: Floats) -> tuple[Tie, ...]:
    """Find columns that follow from others on every row.

    Parameters
    ----------
    schema : Schema
        Kinds fitted.
    values : float64 array, shape (n_rows, n_modelled)

    Returns
    -------
    tuple of Tie
        In an order in which they can be followed: no tie changes a column that an
        earlier one read, and no column is given twice.
    """
    found: list[Tie] = []
    columns = TiedColumns(schema, values)
    numbers = columns.numbers()
    supposed = _lines(numbers), _formulas(numbers)
    tried = chain(columns.flags(), columns.lookups(), *supposed)
    held = [tie for tie in tried if columns.holds(tie, numbers)]
    # Of length, height and their rounded ratio the ratio follows: it forgets least.
    for tie in sorted(held, key=lambda tie: columns.forgets(tie, numbers)):
        if _fits_in(tie, found):
            found.append(tie)
    return tuple(_in_order(found))


def still_hold(schema: Schema, values: Floats) -> tuple[Tie, ...]:
    """Give those ties of a schema that further rows obey as well."""
    columns = TiedColumns(schema, values)
    numbers = columns.numbers()
    return tuple(tie for tie in schema.ties if columns.obeys(tie, numbers))


def _lines(numbers: Numbers) -> Iterator[Tie]:
    """Suppose that a column is another one, stretched and moved."""
    cells = numbers.cells
    whole = cells[~np.isnan(cells).any(axis=1)]
    if len(whole) < LEAST_ROWS or cells.shape[1] < 2:
        return
    spread = whole.std(axis=0)
    standard = (whole - whole.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    alike = np.abs(standard.T @ standard) / len(whole) > ALIKE
    for source, target in np.argwhere(np.triu(alike, 1)):
        if numbers.targets[target] and numbers.targets[source]:
            slope, offset = np.polyfit(whole[:, source], whole[:, target], 1)
            yield Sum(
                numbers.names[target],
                (numbers.names[source],),
                (_plain(slope),),
                _plain(offset, numbers.slack[target] / 10),
            )


def _plain(number: float, within: float = 1e-9) -> float:
    """Take a whole number where one is that near."""
    nearest = float(np.round(number))
    return nearest if abs(nearest - number) <= within else float(number)


def _formulas(numbers: Numbers) -> Iterator[Tie]:
    """Suppose sums, differences, products and ratios of two columns, sums of three."""
    whole = ~np.isnan(numbers.cells).any(axis=1)
    n_columns = len(numbers.names)
    if whole.sum() < LEAST_ROWS or not 3 <= n_columns <= MOST_PAIRED:
        return
    rows = np.flatnonzero(whole)
    probes = numbers.cells[_spread_out(numbers.cells[rows], rows)]
    pairs = np.array(list(combinations(range(n_columns), 2)))
    one, other = probes[:, pairs[:, 0]], probes[:, pairs[:, 1]]
    yield from _matching(numbers, probes, pairs, one + other, _added)
    yield from _matching(numbers, probes, pairs, one * other, Product)
    for turned in (pairs, pairs[:, ::-1]):
        over = probes[:, turned[:, 1]]
        quotient = probes[:, turned[:, 0]] / np.where(over == 0, np.nan, over)
        yield from _matching(numbers, probes, turned, quotient, Ratio)
    if n_columns <= MOST_TRIPLED:
        triples = np.array(list(combinations(range(n_columns), 3)))
        total = probes[:, triples].sum(axis=2)
        yield from _matching(numbers, probes, triples, total, _added)


def _spread_out(cells: Floats, rows: Places) -> Places:
    """Choose probing rows in which few cells are 0: there, formulas agree by chance."""
    busy = np.argsort(-(cells != 0).sum(axis=1), kind="stable")[: 8 * PROBES]
    picked: Places = rows[np.sort(busy[:: max(1, len(busy) // PROBES)])]
    return picked


def _added(target: str, sources: tuple[str, ...]) -> Tie:
    return Sum(target, sources, (1.0,) * len(sources))


def _matching(
    numbers: Numbers,
    probes: Floats,
    groups: Places,
    found: Floats,
    make: Callable[[str, tuple[str, ...]], Tie],
) -> Iterator[Tie]:
    """Give the formulas whose values are those of a column on the probing rows.

    Parameters
    ----------
    numbers : Numbers
    probes : float64 array, shape (n_probes, n_numbers)
    groups : int array, shape (n_groups, n_sources)
    found : float64 array, shape (n_probes, n_groups)
        What the formula gives.
    make : callable
        Makes the tie from target and sources.
    """
    for target in np.flatnonzero(numbers.targets):
        fits = np.ones(found.shape[1], dtype=np.bool_)
        for given, cells in zip(found, probes[:, target], strict=True):
            fits &= np.abs(given - cells) <= numbers.slack[target]
        for sources in groups[fits]:
            if target not in sources:
                named = tuple(numbers.names[at] for at in sources)
                yield make(numbers.names[target], named)


def _fits_in(tie: Tie, others: Sequence[Tie]) -> bool:
    """Tell whether a tie gives a column that none gives yet, and no ring arises."""
    by_target = {other.target: other for other in others}
    if tie.target in by_target:
        return False
    open_names, seen = [*tie.sources], set()
    while open_names:
        name = open_names.pop()
        if name == tie.target:
            return False
        if name in by_target and name not in seen:
            seen.add(name)
            open_names += by_target[name].sources
    return True


def _in_order(ties: Sequence[Tie]) -> Iterator[Tie]:
    """Give ties so that each comes behind those that give its sources.

    Of several the one that most others need comes first, then the one with the fewest
    sources that are free: then there is one left to move for nearly all, as `augment`
    does.
    """
    waiting, bound = list(ties), set[str]()
    while waiting:
        given = {tie.target for tie in waiting}
        ready = [tie for tie in waiting if not given & set(tie.sources)]
        needed = [name for tie in waiting for name in tie.sources]
        ranks = [
            (-needed.count(tie.target), tie.yields * len({*tie.sources} - bound))
            for tie in ready
        ]
        tie = ready[ranks.index(min(ranks))]
        yield tie
        waiting.remove(tie)
        bound |= {tie.target, *tie.sources}
