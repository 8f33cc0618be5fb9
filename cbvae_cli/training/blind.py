"""The training table, and its rows that some member has not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.strangeness import MOST_SCORES
from cbvae_cli.evidence import evidence, take
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.label import Label
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.training.parts import NO_TURN, Parts, Places

MOST_FURTHER = 50_000  # rows of a class; trees gain little by more


@dataclass(frozen=True)
class Known:
    """The training table with everything that was made of it.

    Attributes
    ----------
    values : float64 array, shape (n_rows, n_columns)
    encoded : Encoded
    labels : int array, shape (n_rows,)
    weights : float64 array, shape (n_rows,)
    shares : float64 array, shape (n_classes,)
        Weight of each class among training rows.
    parts : Parts
    label : Label
    names : bool array, shape (n_columns,)
        Columns of names.
    """

    values: Floats
    encoded: Encoded
    labels: Places
    weights: Floats
    shares: Floats
    parts: Parts
    label: Label
    names: Bools


@dataclass(frozen=True)
class Judged:
    """Rows that a member is blind to, class by class.

    Attributes
    ----------
    rows, member : int array, shape (n_judged,)
    weights : float64 array, shape (n_judged,)
        With which they stand for the whole table.
    """

    rows: Places
    member: Places
    weights: Floats


def judged_rows(known: Known, seed: int) -> Judged:
    """Pick blind rows, at most `MOST_SCORES` of each class, evenly over members."""
    rng = np.random.default_rng([seed, 5])
    rows, member, weights = [], [], []
    n_members = known.parts.n_members
    for place, share in enumerate(known.shares):
        own = np.flatnonzero(known.labels == place)
        found: list[Places] = []
        for number in range(n_members):
            blind = known.parts.blind(number, own)
            most = MOST_SCORES // n_members
            if len(blind) > most:
                blind = np.sort(rng.choice(blind, most, replace=False))
            found.append(blind)
            member.append(np.full(len(blind), number))
        picked = np.concatenate(found)
        weight = known.weights[picked]
        if not weight.any():
            weight = np.ones(len(picked))  # they judge, if they must teach nothing
        rows.append(picked)
        weights.append(weight * share / max(weight.sum(), 1e-300))
    together = np.concatenate(weights)
    if len(together):
        together = together * len(together) / max(together.sum(), 1e-300)
    return Judged(np.concatenate(rows), np.concatenate(member), together)


@dataclass(frozen=True)
class Further:
    """Rows besides the judged ones, that may teach what needs no evidence.

    Attributes
    ----------
    rows : int array, shape (n_rows,)
    weights : float64 array, shape (n_rows,)
        On the scale that judged rows of the class are weighed on.
    turn : int array, shape (n_rows,)
        The turn of a blind row; `NO_TURN` where all members learnt from the row.
    """

    rows: Places
    weights: Floats
    turn: Places


def further_rows(known: Known, judged: Judged, seed: int) -> Further:
    """Take rows that all members learnt from, and blind ones too many to be judged.

    At most `MOST_FURTHER` of each class.
    """
    rng = np.random.default_rng([seed, 10])
    parts, every = known.parts, np.arange(len(known.labels))
    blind = [parts.blind(number, every) for number in range(parts.n_members)]
    unjudged = np.setdiff1d(np.concatenate(blind), judged.rows)
    spare = parts.spare(every)
    turn = parts.turn.astype(np.int64)
    turn[spare] = NO_TURN
    rows, weights = [], []
    for place in range(len(known.shares)):
        both = (some[known.labels[some] == place] for some in (spare, unjudged))
        own = np.concatenate(list(both))
        if len(own) > MOST_FURTHER:
            own = np.sort(rng.choice(own, MOST_FURTHER, replace=False))
        same = known.labels[judged.rows] == place
        given = known.weights[judged.rows[same]].sum()
        scale = judged.weights[same].sum() / max(given, 1e-300)
        rows.append(own)
        weights.append(known.weights[own] * scale)
    taken = np.concatenate(rows)
    return Further(taken, np.concatenate(weights), turn[taken])


def blind_evidence(
    family: Family, encoded: Encoded, member: Places, parts: tuple[str, ...], n: int
) -> NDArray[np.float64]:
    """Ask each row's blind member, shape (n_rows, n_classes, n_parts)."""
    found = np.empty((len(member), family.n_classes, len(parts)))
    for number in range(family.n_members):
        own = np.flatnonzero(member == number)
        alone = family.member(number)
        found[own] = evidence(alone, take(encoded, own), parts, n)[:, 0]
    return found
