"""All trees at once: which leaf a row reaches, as one bit of a word per tree.

Each answer to a node's question rules out the leaves below the other branch. What a
cell of one column rules out in every tree is looked up in a table; the words of all
columns, joined by AND, keep one bit: the leaf. No path is walked, so the work per row
is a few dozen sequential reads however deep the trees are. The idea is that of
Lucchese et al., "QuickScorer", SIGIR 2015; the tables per column are what suits numpy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.trees import MOST_LEAVES, NONE, Trees
from cbvae_cli.table.cells import Floats

Words = NDArray[np.uint16]
Places = NDArray[np.intp]

# At once: the words stay in the caches, and numpy's cost per call is shared by many.
ROWS, TREES = 1024, 256

# Times a word of one bit, the upper four bits of this de Bruijn sequence's product
# differ for each place of the bit.
SEQUENCE = np.uint16(0x09AF)
SHIFT = np.uint16(12)
SLOTS = ((np.uint16(1) << np.arange(MOST_LEAVES, dtype=np.uint16)) * SEQUENCE) >> SHIFT


@dataclass(frozen=True)
class Column:
    """How cells of a column become places: two cells alike to all trees share one.

    The last place is that of missing cells.

    Attributes
    ----------
    feature : int
    edges : float64 array, shape (n_edges,)
        Thresholds of all trees, ascending. Empty for codes.
    n_codes : int
        Codes below it have places of their own; 0 for numbers.
    """

    feature: int
    edges: Floats
    n_codes: int

    @property
    def n_places(self) -> int:
        """Count the places."""
        return (self.n_codes or len(self.edges) + 1) + 1

    def places(self, cells: Floats) -> Places:
        """Give the place of each cell."""
        if self.n_codes:
            known = (cells >= 0) & (cells < self.n_codes) & (cells == np.floor(cells))
            return np.where(known, cells, self.n_codes).astype(np.intp)
        # NaN sorts behind every edge: one more makes it the last place.
        found: Places = np.searchsorted(self.edges, cells) + np.isnan(cells)
        return found


@dataclass(frozen=True)
class Block:
    """Some trees of one class.

    Attributes
    ----------
    forest : int
        Number of the forest that they stand in.
    class_ : int
    table : uint16 array, shape (n_entries, n_trees)
        Leaves that a cell leaves possible. Entry 0 rules out nothing.
    entries : tuple of (int, intp array)
        Number of a column, and the entry of each of its places.
    values : float64 array, shape (n_trees * 16,)
        Of leaves, by `SLOTS`.
    """

    forest: int
    class_: int
    table: Words
    entries: tuple[tuple[int, Places], ...]
    values: Floats

    def total(self, places: list[Places], n_rows: int) -> Floats:
        """Add up the leaves that rows reach, shape (n_rows,)."""
        n_trees = self.table.shape[1]
        words = np.repeat(self.table[:1], n_rows, axis=0)
        ruled, entry = np.empty_like(words), np.empty(n_rows, dtype=np.intp)
        for column, entry_of in self.entries:
            # "clip" only because "raise" copies `out` first; nothing is out of range.
            np.take(entry_of, places[column], out=entry, mode="clip")
            np.take(self.table, entry, axis=0, out=ruled, mode="clip")
            np.bitwise_and(words, ruled, out=words)
        words *= SEQUENCE
        words >>= SHIFT
        leaves = words + MOST_LEAVES * np.arange(n_trees)
        total: Floats = np.take(self.values, leaves).sum(axis=1)
        return total


@dataclass(frozen=True)
class Compiled:
    """Forests made ready for many rows.

    They share their columns: the place of a cell is looked up once for all of them,
    and among so few trees that look-up is half of the work.
    """

    columns: tuple[Column, ...]
    blocks: tuple[Block, ...]

    def add_to(self, totals: Sequence[Floats], x: Floats) -> None:
        """Add the trees' values for rows `x` to `totals`.

        Parameters
        ----------
        totals : sequence of float64 array, shape (n_rows, n_classes)
            One a forest; each has classes of its own.
        x : float64 array, shape (n_rows, n_features)
        """
        for start in range(0, len(x), ROWS):
            here = slice(start, start + ROWS)
            cells = np.ascontiguousarray(x[here].T)
            places = [column.places(cells[column.feature]) for column in self.columns]
            for block in self.blocks:
                found = block.total(places, cells.shape[1])
                totals[block.forest][here, block.class_] += found


def compile_trees(forests: Sequence[Trees]) -> Compiled:
    """Make forests over the same columns ready for many rows."""
    columns = tuple(_columns(forests))
    blocks = tuple(
        _block(trees, columns, leaves, (forest, class_), members)
        for forest, trees in enumerate(forests)
        for leaves in (_leaves_below(trees),)
        for class_, members in _groups(trees.classes)
    )
    return Compiled(columns, blocks)


def _groups(classes: NDArray[np.int32]) -> Iterator[tuple[int, Places]]:
    """Give blocks of trees, each of one class."""
    for class_ in np.unique(classes):
        members = np.flatnonzero(classes == class_)
        for start in range(0, len(members), TREES):
            yield int(class_), members[start : start + TREES]


def _columns(forests: Sequence[Trees]) -> Iterator[Column]:
    """Give the columns that any tree asks.

    One that is codes to some forests and amounts to others is given twice.
    """
    edges: dict[int, list[Floats]] = {}
    codes: dict[int, int] = {}
    for trees in forests:
        for feature, asking in _by_feature(trees, np.flatnonzero(trees.inner)):
            if trees.code_set[asking[0]] == NONE:
                edges.setdefault(feature, []).append(trees.threshold[asking])
            else:
                known = codes.get(feature, 0)
                codes[feature] = max(known, _n_codes(trees, asking))
    for feature, each in sorted(edges.items()):
        yield Column(feature, np.unique(np.concatenate(each)), 0)
    for feature, n_codes in sorted(codes.items()):
        yield Column(feature, np.empty(0), n_codes)


def _by_feature(trees: Trees, nodes: Places) -> Iterator[tuple[int, Places]]:
    """Give the nodes that ask each column."""
    ordered = nodes[np.argsort(trees.feature[nodes], kind="stable")]
    features, first = np.unique(trees.feature[ordered], return_index=True)
    for feature, asking in zip(features, np.split(ordered, first[1:]), strict=False):
        yield int(feature), asking


def _n_codes(trees: Trees, asking: Places) -> int:
    """Count the codes that nodes need places for, at least one."""
    # A code that every tree sends where missing cells go needs no place.
    differ = _codes_left(trees, asking) != trees.missing_left[asking, None]
    return int(np.flatnonzero(differ.any(axis=0)).max(initial=0)) + 1


def _codes_left(trees: Trees, nodes: Places) -> NDArray[np.uint8]:
    """Tell the codes that categorical nodes send left, shape (n_nodes, 256)."""
    sets = trees.code_sets[trees.code_set[nodes]]
    return np.unpackbits(sets, axis=1, bitorder="little")


def _leaves_below(trees: Trees) -> Words:
    """Give the leaves below each node, a bit for each leaf of its tree."""
    inner, roots = trees.inner, trees.roots
    before: Places = np.cumsum(~inner) - ~inner
    place = before - before[roots][trees.tree]
    words = np.where(inner, 0, 1 << place).astype(np.uint16)
    parents = np.flatnonzero(inner)
    left, right = trees.left[parents], trees.right[parents]
    for _ in range(MOST_LEAVES - 1):  # no path is longer
        words[parents] = words[left] | words[right]
    return words


def _block(
    trees: Trees,
    columns: tuple[Column, ...],
    leaves: Words,
    of: tuple[int, int],
    members: Places,
) -> Block:
    """Build the table of some trees of a forest and class."""
    number = np.full(len(trees.roots), -1)
    number[members] = np.arange(len(members))
    number = number[trees.tree]  # of each node: its tree within the block
    whole = leaves[trees.roots[members]]
    tables, entries, n_entries = [whole[None]], [], 1
    at = {(column.feature, column.n_codes > 0): n for n, column in enumerate(columns)}
    for feature, asking in _by_feature(
        trees, np.flatnonzero((number >= 0) & trees.inner)
    ):
        of_column = at[feature, trees.code_set[asking[0]] != NONE]
        own, place_of = _own(trees, columns[of_column], asking)
        words = _ruled(trees, own, leaves, asking, number[asking], whole)
        # Neighbours that these trees do not tell apart share an entry.
        fresh = np.append(True, (words[1:] != words[:-1]).any(axis=1))
        tables.append(words[fresh])
        entry = np.cumsum(fresh) - 1 + n_entries
        entries.append((of_column, entry[place_of]))
        n_entries += int(fresh.sum())
    values = np.zeros((len(members), MOST_LEAVES))
    ends = np.flatnonzero((number >= 0) & ~trees.inner)
    values[number[ends], (leaves[ends] * SEQUENCE) >> SHIFT] = trees.value[ends]
    return Block(*of, np.concatenate(tables), tuple(entries), values.ravel())


def _own(trees: Trees, column: Column, nodes: Places) -> tuple[Column, Places]:
    """Give a column as some nodes alone tell its cells apart, and where that leads.

    Returns
    -------
    Column
        With fewer places.
    intp array, shape (column.n_places,)
        The place that each place of `column` falls into.
    """
    if column.n_codes:
        own = Column(column.feature, column.edges, _n_codes(trees, nodes))
        places = np.arange(column.n_places)
        return own, np.where(places < own.n_codes, places, own.n_codes)
    own = Column(column.feature, np.unique(trees.threshold[nodes]), 0)
    found = np.searchsorted(own.edges, column.edges)
    return own, np.append(found, [own.n_places - 2, own.n_places - 1])


def _ruled(
    trees: Trees,
    column: Column,
    leaves: Words,
    nodes: Places,
    number: Places,
    whole: Words,
) -> Words:
    """Give what each place of a column leaves possible, (n_places, n_trees)."""
    goes_left = np.empty((len(nodes), column.n_places), dtype=np.bool_)
    if column.n_codes:
        goes_left[:, :-1] = _codes_left(trees, nodes)[:, : column.n_codes]
    else:
        edge = np.searchsorted(column.edges, trees.threshold[nodes])
        goes_left[:, :-1] = np.arange(column.n_places - 1) <= edge[:, None]
    goes_left[:, -1] = trees.missing_left[nodes]
    lost = np.where(
        goes_left, leaves[trees.right[nodes], None], leaves[trees.left[nodes], None]
    )
    words = np.tile(whole, (column.n_places, 1))
    # A tree may ask a column twice: plain assignment would keep one answer only.
    np.bitwise_and.at(words.T, number, ~lost)
    return words
