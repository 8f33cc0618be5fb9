"""Detectors of `score` in the latent space and among columns, and their scales.

Each class's are fitted by its first member alone: five would cost five times the
seconds and bytes. So only rows that this member is blind to judge them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cbvae_cli.calibration.detectors import Detecting, Detectors
from cbvae_cli.calibration.gauge import Gauge
from cbvae_cli.calibration.looks import Home
from cbvae_cli.calibration.neighbours import rows_to_learn
from cbvae_cli.calibration.spaces import fit_spaces
from cbvae_cli.calibration.strangeness import (
    ALONE,
    Judges,
    Scored,
    fit_judges,
    fit_strangeness,
)
from cbvae_cli.errors import UsageProblem
from cbvae_cli.evidence import take
from cbvae_cli.families.contract import Family
from cbvae_cli.records import Settings
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.label import Label
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.training.blind import Judged, Known
from cbvae_cli.training.parts import Places

FIRST = 0  # the member
MASKED_SHARES = (0.0, 0.15, 0.3, 0.45, 0.6)  # of cells hidden besides the missing
MOST_MASKED = 400  # rows of a class that are masked, at each share
MOST_JUDGED = 2_000  # rows of a class that others judge


def detecting_of(settings: Settings) -> Detecting:
    """Say how detectors are to be fitted."""
    usual = Detecting()
    wanted = settings.neighbours or usual.neighbours
    return Detecting(wanted, settings.allow_stored_encodings)


def check_neighbours(settings: Settings, label: Label) -> None:
    """Refuse more neighbours than any class has.

    Raises
    ------
    UsageProblem
    """
    most = max(label.counts)
    if settings.neighbours >= most:
        raise UsageProblem(
            f"--neighbours {settings.neighbours:,} is more than a row has: the largest "
            f"class has {most:,} rows",
            expected=f"a whole number below {most:,}",
        )


def rows_of_first(known: Known, place: int, seed: int, most: int) -> Places:
    """Pick rows of a class that the first member learnt from."""
    own, parts = np.flatnonzero(known.labels == place), known.parts
    rows = np.union1d(parts.trains(FIRST, own), parts.stop(FIRST, own))
    if len(rows) > most:
        rng = np.random.default_rng([seed, 24, place])
        rows = np.sort(rng.choice(rows, most, replace=False))
    return rows


def fit_all(
    family: Family,
    known: Known,
    homes: Sequence[Sequence[Home]],
    detecting: Detecting,
    seed: int,
) -> list[dict[str, Detectors]]:
    """Fit the detectors of every class, by space."""
    alone = family.member(FIRST)
    most = rows_to_learn(2 * family.layout.width)
    found = []
    for place in range(family.n_classes):
        rows = take(known.encoded, rows_of_first(known, place, seed, most))
        home = homes[place][FIRST]
        found.append(fit_spaces(alone, rows, place, home, detecting, seed))
    return found


def judge_alone(
    gauge: Gauge, encoded: Encoded, judged: Judged, truth: Places, seed: int
) -> dict[str, Judges]:
    """Fit the scales of all methods that the first member answers alone.

    Parameters
    ----------
    gauge : Gauge
    encoded : Encoded
        The judged rows.
    judged : Judged
    truth : int array, shape (n_judged,)
        Their classes.
    seed : int

    Returns
    -------
    dict of str to Judges
        By name in `ALONE`.
    """
    n_classes, names = gauge.family.n_classes, tuple(ALONE)
    blind = np.flatnonzero(judged.member == FIRST)
    rows = np.concatenate(
        [blind[:0], *(_some(blind, truth, at, MOST_JUDGED) for at in range(n_classes))]
    )
    own = take(encoded, rows)
    share: Floats = own.observed.mean(axis=1)
    found = gauge.alone(own, range(n_classes), names)
    fitted = []
    for place in range(n_classes):
        some = _some(blind, truth, place, MOST_MASKED)
        masked = _masked(take(encoded, np.tile(some, len(MASKED_SHARES))), seed, place)
        looked = gauge.alone(masked, (place,), names)[:, 0]
        seen: Floats = masked.observed.mean(axis=1)
        mine = truth[rows] == place
        fitted.append(
            [
                fit_strangeness(
                    _scored(found[mine, place, at], share[mine]),
                    _scored(looked[:, at], seen),
                    1,
                )
                for at in range(len(names))
            ]
        )
    first = np.zeros(len(rows), dtype=np.int64)
    return {
        name: fit_judges(
            [of_class[at] for of_class in fitted], found[:, :, at], share, first, 1
        )
        for at, name in enumerate(names)
    }


def _some(rows: Places, truth: Places, place: int, most: int) -> Places:
    own: Places = rows[truth[rows] == place]
    return own[:: max(1, -(-len(own) // most))]


def _masked(encoded: Encoded, seed: int, place: int) -> Encoded:
    """Hide cells of rows that stand behind each other once for every share."""
    rng = np.random.default_rng([seed, 25, place])
    share = np.repeat(MASKED_SHARES, len(encoded.matrix) // len(MASKED_SHARES))
    hidden = rng.random(encoded.observed.shape) < share[:, None]
    return Encoded(encoded.matrix, encoded.observed & ~hidden, encoded.novel)


def _scored(scores: Floats, share: Floats) -> Scored:
    return Scored(scores, share, np.zeros(len(scores), dtype=np.int64))
