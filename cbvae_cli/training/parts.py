"""Which rows train which member, stop it, calibrate it, certify: nobody sees twice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats

Places = NDArray[np.int64]

LEAST_ROWS = 10  # a smaller class keeps all its rows for training
FOLDS = 5  # at least
MOST_CERTIFIED = 20_000
LEAST_CERTIFIED = 50  # fewer could promise nothing worth the rows they cost

# The fold of a row is the member that is blind to it, or one of these.
SEEN, HELD, CERTIFIED = -1, -2, -3
_OPEN = -4

NO_TURN = -1  # of a row that nothing fitted on blind rows is judged by


@dataclass(frozen=True)
class Shares:
    """How rows of a class are shared out.

    Attributes
    ----------
    members : int
    stop : float
        Of a member's training rows, those that stop it.
    held : float
        Of all rows, those that calibrate and that no member trains on; 0 leaves
        calibration to the fold that each member is blind to.
    certified : float
        Of the rows of classes other than the positive one, those that nothing sees
        but the bound on false alarms.
    """

    members: int
    stop: float
    held: float
    certified: float

    @property
    def folds(self) -> int:
        """Count the folds that members are blind to, one each."""
        return max(FOLDS, self.members)


@dataclass(frozen=True)
class Parts:
    """What each row is for.

    Attributes
    ----------
    fold : int8 array, shape (n_rows,)
        The member that is blind to the row; `SEEN` by all, `HELD` from all for
        calibration, or `CERTIFIED`.
    stops : bool array, shape (n_members, n_rows)
        Training rows that stop a member instead.
    turn : int8 array, shape (n_rows,)
        For blind rows, the part that what is fitted on them is judged by.
    """

    fold: NDArray[np.int8]
    stops: Bools
    turn: NDArray[np.int8]

    @property
    def n_members(self) -> int:
        """Count members."""
        return len(self.stops)

    def trains(self, member: int, within: Places) -> Places:
        """Give those of some rows that a member learns from."""
        fold = self.fold[within]
        chosen: Places = within[
            (fold >= SEEN) & (fold != member) & ~self.stops[member, within]
        ]
        return chosen

    def stop(self, member: int, within: Places) -> Places:
        """Give those of some rows that say when a member has learnt enough."""
        chosen: Places = within[self.stops[member, within]]
        return chosen

    def blind(self, member: int, within: Places) -> Places:
        """Give those of some rows that a member is judged by.

        Rows held from all members go round: each is judged by one.
        """
        fold = self.fold[within]
        held = fold == HELD
        turn = np.cumsum(held) % self.n_members == member
        chosen: Places = within[(fold == member) | (held & turn)]
        return chosen

    def spare(self, within: Places) -> Places:
        """Give those of some rows that all members learn from."""
        chosen: Places = within[self.fold[within] == SEEN]
        return chosen

    def certified(self, within: Places) -> Places:
        """Give those of some rows that nothing has seen."""
        chosen: Places = within[self.fold[within] == CERTIFIED]
        return chosen


def row_keys(values: Floats, seed: int) -> NDArray[np.uint64]:
    """Give each row a number that equal rows share, shape (n_rows,).

    Integer arithmetic, so that neither threads nor batches change it.
    """
    rng = np.random.default_rng([seed, 1])
    halves = rng.integers(0, 2**63, size=values.shape[1], dtype=np.uint64)
    odd = np.add(np.multiply(halves, np.uint64(2)), np.uint64(1))
    keys: NDArray[np.uint64] = np.zeros(len(values), dtype=np.uint64)
    for place in range(values.shape[1]):
        column = np.ascontiguousarray(values[:, place]) + 0.0  # -0.0 becomes 0.0
        bits = np.where(np.isnan(column), np.nan, column).view(np.uint64)
        keys = mixed(keys + bits * odd[place])
    return keys


def mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread the bits of each key (the finaliser of SplitMix64)."""
    first, second = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
    keys = np.multiply(keys ^ (keys >> np.uint64(30)), first)
    keys = np.multiply(keys ^ (keys >> np.uint64(27)), second)
    return keys ^ (keys >> np.uint64(31))


def united(keys: NDArray[np.uint64], groups: Places | None) -> Places:
    """Give each row the number of the rows it must stay with, shape (n_rows,).

    Equal rows do, rows of a group do, and so do groups that share an equal row.
    """
    _, of_key = np.unique(keys, return_inverse=True)
    if groups is None:
        return of_key
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n_keys = int(of_key.max()) + 1
    size = n_keys + int(groups.max()) + 1
    ones = np.ones(len(keys), dtype=np.int8)
    graph = coo_matrix((ones, (of_key, n_keys + groups)), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    units: Places = component[of_key].astype(np.int64)
    return units


def split(
    units: Places,
    labels: Places,
    positive: int,
    shares: Shares,
    seed: int,
    *,
    held: Bools | None = None,
) -> Parts:
    """Share rows out, stratified by class; the rows of a unit stay together.

    Parameters
    ----------
    units : int array, shape (n_rows,)
        From `united`.
    labels : int array, shape (n_rows,)
    positive : int
        Class whose false alarms are to be bounded.
    shares : Shares
    seed : int
    held : bool array, shape (n_rows,), optional
        Rows that calibrate and that no member may train on, chosen beforehand.

    Returns
    -------
    Parts
    """
    n_units = int(units.max()) + 1 if len(units) else 0
    order = mixed(np.arange(n_units, dtype=np.uint64) + np.uint64(seed * 2 + 1))
    fold_of_unit = np.full(n_units, _OPEN, dtype=np.int8)
    if held is not None:
        fold_of_unit[units[held]] = HELD
    counts = np.bincount(labels)
    others = max(1, len(labels) - int(counts[positive]))
    certify = min(shares.certified, MOST_CERTIFIED / others)
    if (len(labels) - counts[positive]) * certify < LEAST_CERTIFIED:
        certify = 0.0
    # Small classes choose first: an equal row in a large one follows it.
    for place in np.argsort(counts, kind="stable"):
        rows = np.flatnonzero(labels == place)
        share = certify if place != positive and counts[place] * certify >= 1 else 0.0
        fold_of_unit = _dealt(
            fold_of_unit, units[rows], order, shares, share, held is not None
        )
    spared = np.zeros(len(labels), dtype=bool) if held is None else held
    for place in np.unique(labels):
        rows = np.flatnonzero(labels == place)
        fold = fold_of_unit[units[rows]]
        learnt = [
            ((fold >= SEEN) & (fold != member)).any()
            for member in range(shares.members)
        ]
        if not all(learnt):
            # One row many times over: nothing to keep apart. Rows that were meant
            # to calibrate come last, and equal rows of other classes follow.
            wanted = rows[~spared[rows]] if not spared[rows].all() else rows
            fold_of_unit[units[wanted]] = SEEN
    fold = fold_of_unit[units]
    judged = (fold >= 0) | (fold == HELD)
    turn = (
        np.where(fold >= 0, fold % FOLDS, np.int8(SEEN)).astype(np.int8)
        if shares.members == shares.folds and not (fold == HELD).any()
        else _turns(judged, units, labels, order)
    )
    return Parts(fold, _stops(fold, units, labels, mixed(order), shares), turn)


def _turns(
    judged: Bools, units: Places, labels: Places, order: NDArray[np.uint64]
) -> NDArray[np.int8]:
    """Deal blind rows out to `FOLDS` turns, small classes first, units whole."""
    of_unit = np.full(len(order), _OPEN, dtype=np.int8)
    counts = np.bincount(labels[judged]) if judged.any() else np.empty(0, dtype=int)
    for place in np.argsort(counts, kind="stable"):
        own = np.unique(units[judged & (labels == place)])
        own = own[of_unit[own] == _OPEN]
        own = own[np.argsort(order[own], kind="stable")]
        of_unit[own] = np.arange(len(own)) % FOLDS
    return np.where(judged, of_unit[units], np.int8(SEEN))


def _dealt(
    fold_of_unit: NDArray[np.int8],
    units: Places,
    order: NDArray[np.uint64],
    shares: Shares,
    certify: float,
    chosen: bool,
) -> NDArray[np.int8]:
    """Deal the units of one class that are still open out to parts."""
    own, counts = np.unique(units, return_counts=True)
    still = fold_of_unit[own] == _OPEN
    own, counts = own[still], counts[still]
    if len(units) < LEAST_ROWS:
        fold_of_unit[own] = SEEN
        return fold_of_unit
    turn = np.argsort(order[own], kind="stable")
    own, counts = own[turn], counts[turn]
    middle = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1)
    rest = (middle - certify) / (1 - certify)
    if chosen:
        part = np.full(len(own), SEEN)
    elif shares.held:
        part = np.where(rest < shares.held, HELD, SEEN)
    else:
        part = np.floor(rest * shares.folds).astype(int)
        part = np.where(part < shares.members, part, SEEN)
    fold_of_unit[own] = np.where(middle < certify, CERTIFIED, part)
    return fold_of_unit


def _stops(
    fold: NDArray[np.int8],
    units: Places,
    labels: Places,
    order: NDArray[np.uint64],
    shares: Shares,
) -> Bools:
    stops = np.zeros((shares.members, len(labels)), dtype=bool)
    keys = order[units]
    for place in np.unique(labels):
        rows = np.flatnonzero(labels == place)
        rows = rows[np.argsort(keys[rows], kind="stable")]
        for member in range(shares.members):
            own = rows[(fold[rows] >= SEEN) & (fold[rows] != member)]
            if len(own) < LEAST_ROWS:
                continue
            end = _after_ties(keys[own], round(shares.stop * len(own)))
            if end < len(own):
                stops[member, own[:end]] = True
    return stops


def _after_ties(keys: NDArray[np.uint64], end: int) -> int:
    """Move an end forward until it does not separate equal rows."""
    if end == 0 or end >= len(keys):
        return end
    return int(np.searchsorted(keys, keys[end - 1], side="right"))
