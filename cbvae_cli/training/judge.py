"""Scales and p-values of `score`, fitted on rows that members are blind to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cbvae_cli.calibration.cells import usual_cells
from cbvae_cli.calibration.conformal import Conformal
from cbvae_cli.calibration.detectors import Detecting
from cbvae_cli.calibration.gauge import Gauge, combine
from cbvae_cli.calibration.looks import Home, fit_home, look_at
from cbvae_cli.calibration.mislabel import mislabel_scores
from cbvae_cli.calibration.neighbours import rows_to_learn
from cbvae_cli.calibration.strangeness import (
    ALONE,
    COMBINED,
    JUDGED,
    LOOKS,
    METHODS,
    Judges,
    Scored,
    fit_judges,
    fit_strangeness,
)
from cbvae_cli.calibration.weigh import WEIGHT, WEIGHTS, weigh
from cbvae_cli.calibration.witness import NO_SCORES, Witness
from cbvae_cli.evidence import take
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.training.blind import Judged, Known, blind_evidence
from cbvae_cli.training.detect import fit_all, judge_alone
from cbvae_cli.training.parts import Places

MASKED_SHARES = (0.0, 0.15, 0.3, 0.45, 0.6)  # of cells hidden besides the missing
MOST_MASKED = 2_000  # rows of a class that are masked, at each share
MOST_USUAL = 200  # cells of a column and class whose median is the usual one
MOST_USUAL_CELLS = 20_000  # of all columns of a class together
LEAST_USUAL = 25  # cells of a column, where columns are very many
MOST_OTHERS = 5_000  # rows of other classes that a weight is judged by

DEFAULT = Detecting()


@dataclass(frozen=True)
class Evidence:
    """What is known of blind rows already.

    Attributes
    ----------
    parts : tuple of str
    found : float64 array, shape (n_judged, n_classes, n_parts)
        By the member that is blind to the row.
    log_p : float64 array, shape (n_judged, n_classes)
        Log probabilities of the classes, fitted without the row.
    """

    parts: tuple[str, ...]
    found: Floats
    log_p: Floats


@dataclass(frozen=True)
class Measured:
    """Rows as some methods measure them.

    Attributes
    ----------
    by_method : mapping of str to float64 array, shape (n_rows, n_classes)
    share : float64 array, shape (n_rows,)
        Of cells seen.
    member : int array, shape (n_rows,)
        That is blind to the row, and was asked.
    """

    by_method: Mapping[str, Floats]
    share: Floats
    member: Places

    def of(self, method: str, place: int, rows: Bools | Places) -> Scored:
        """Give what a class finds in some rows."""
        scores = self.by_method[method][rows, place]
        return Scored(scores, self.share[rows], self.member[rows])


def judge(
    family: Family,
    known: Known,
    judged: Judged,
    evidence: Evidence,
    seed: int,
    detecting: Detecting = DEFAULT,
) -> tuple[dict[str, Judges], tuple[Witness, ...]]:
    """Fit what `score` needs.

    Parameters
    ----------
    family : Family
    known : Known
    judged : Judged
    evidence : Evidence
        Of these rows.
    seed : int
    detecting : Detecting

    Returns
    -------
    judges : dict of str to Judges
        By method.
    witnesses : tuple of Witness
        By class.
    """
    truth, every = known.labels[judged.rows], range(family.n_classes)
    gauge = Gauge(family, _homes(family, known, seed), sum(known.label.counts))
    encoded = take(known.encoded, judged.rows)
    own = _measured(
        gauge, encoded, judged.member, evidence.parts, evidence.found, every
    )
    masked = [
        _masked(gauge, encoded, judged.member, truth, place, seed) for place in every
    ]
    detectors = fit_all(family, known, gauge.homes, detecting, seed)
    watched = replace(gauge, detectors=detectors)
    plain = [method for method in JUDGED if method not in (*COMBINED, *ALONE)]
    judges = {m: _fitted(m, own, masked, truth, family.n_members) for m in plain}
    weights = _weights(judges, own, truth, seed)
    for method in COMBINED:
        judges[method] = _fitted(
            method,
            _joined(method, judges, weights, own),
            [_joined(method, judges, weights, more) for more in masked],
            truth,
            family.n_members,
        )
    witnesses = tuple(
        Witness(
            tuple(gauge.homes[place]),
            float(weights[place]),
            _usual(family, known, judged, place, seed),
            _mislabelled(evidence.log_p[truth == place], place),
            detectors[place],
        )
        for place in every
    )
    return judges | judge_alone(watched, encoded, judged, truth, seed), witnesses


def _fitted(
    method: str,
    own: Measured,
    masked: Sequence[Measured],
    truth: Places,
    n_members: int,
) -> Judges:
    """Fit the scale of one method for all classes.

    Parameters
    ----------
    method : str
    own : Measured
        Blind rows as they are.
    masked : sequence of Measured
        Some of each class's with cells hidden.
    truth : int array, shape (n_rows,)
        Classes of the blind rows.
    n_members : int
    """
    by_class = [
        fit_strangeness(
            own.of(method, place, truth == place),
            more.of(method, place, np.arange(len(more.share))),
            n_members,
        )
        for place, more in enumerate(masked)
    ]
    scores = own.by_method[method]
    return fit_judges(by_class, scores, own.share, own.member, n_members)


def _homes(family: Family, known: Known, seed: int) -> list[list[Home]]:
    """Fit, for each class and member, on rows that the member learnt from."""
    members = [family.member(j) for j in range(family.n_members)]
    rng = np.random.default_rng([seed, 21])
    most = rows_to_learn(2 * family.layout.width)
    homes = []
    for place in range(family.n_classes):
        own = np.flatnonzero(known.labels == place)
        of_class = []
        for j, alone in enumerate(members):
            rows = np.union1d(known.parts.trains(j, own), known.parts.stop(j, own))
            if len(rows) > most:
                rows = np.sort(rng.choice(rows, most, replace=False))
            looked = look_at(alone, take(known.encoded, rows), place)
            home = fit_home(looked, family.layout, seed, family.n_members)
            of_class.append(home)
        homes.append(of_class)
    return homes


def _measured(
    gauge: Gauge,
    encoded: Encoded,
    member: Places,
    parts: tuple[str, ...],
    found: Floats,
    places: Sequence[int],
) -> Measured:
    """Measure rows by the members that are blind to them.

    Only the classes at `places` are asked for distances; others get 0.
    """
    by_method = {
        method: sign * found[:, :, parts.index(part)]
        for method, (part, sign) in METHODS.items()
    }
    shape = found.shape[:2]
    by_method |= {name: np.zeros(shape) for name in (*LOOKS, "class-distance")}
    for number in range(gauge.family.n_members):
        own = np.flatnonzero(member == number)
        alone, some = gauge.member(number), take(encoded, own)
        for place in places:
            near, far = alone.distances(some, place), alone.class_distance(some, place)
            for at, name in enumerate(LOOKS):
                by_method[name][own, place] = near[:, 0, at]
            by_method["class-distance"][own, place] = far[:, 0]
    return Measured(by_method, encoded.observed.mean(axis=1), member)


def _masked(
    gauge: Gauge,
    encoded: Encoded,
    member: Places,
    truth: Places,
    place: int,
    seed: int,
) -> Measured:
    """Measure some rows of a class with cells hidden, each at every share."""
    own = np.flatnonzero(truth == place)
    some = own[:: max(1, len(own) // MOST_MASKED)]
    times = len(MASKED_SHARES)
    rng = np.random.default_rng([seed, 4, place])
    rows = np.tile(some, times)
    chosen = take(encoded, rows)
    share = np.repeat(MASKED_SHARES, len(some))[:, None]
    hidden = rng.random(chosen.observed.shape) < share
    masked = Encoded(chosen.matrix, chosen.observed & ~hidden, chosen.novel)
    parts = tuple(part for part, _ in METHODS.values())
    found = blind_evidence(gauge.family, masked, member[rows], parts, gauge.n_training)
    return _measured(gauge, masked, member[rows], parts, found, (place,))


def _joined(
    method: str, judges: Mapping[str, Judges], weights: Floats, found: Measured
) -> Measured:
    alone = {name: scores[:, None] for name, scores in found.by_method.items()}
    both = combine(method, judges, alone, found.share, weights)
    return Measured({method: both[:, 0]}, found.share, found.member)


def _weights(
    judges: Mapping[str, Judges], found: Measured, truth: Places, seed: int
) -> Floats:
    """Weigh the likelihood in each class by how well it keeps other classes apart."""
    n_classes = len(judges["likelihood"].by_class)
    tried = []
    for weight in WEIGHTS:
        each = np.full(n_classes, weight)
        joined = _joined("combined", judges, each, found)
        tried.append(joined.by_method["combined"])
    rng = np.random.default_rng([seed, 22])
    weights = np.full(n_classes, WEIGHT)
    for place in range(n_classes):
        own, others = (
            np.flatnonzero(side) for side in (truth == place, truth != place)
        )
        if len(others) > MOST_OTHERS:
            others = np.sort(rng.choice(others, MOST_OTHERS, replace=False))
        if judges["likelihood"].by_class[place].judges and len(others):
            rows = np.concatenate([own, others])
            strange = np.repeat([0, 1], [len(own), len(others)])
            weights[place] = weigh([t[rows, place] for t in tried], strange)
    return weights


def _usual(
    family: Family, known: Known, judged: Judged, place: int, seed: int
) -> Floats:
    """Give the usual log density of each column's cells in a class.

    On blind rows; a class that has none is judged by the rows it learnt from.
    """
    at = np.flatnonzero(known.labels[judged.rows] == place)
    rows, member = judged.rows[at], judged.member[at]
    if not len(rows):
        rows = np.flatnonzero(known.labels == place)
        member = np.arange(len(rows)) % family.n_members
    n_columns = known.encoded.observed.shape[1]
    most = min(MOST_USUAL, max(LEAST_USUAL, MOST_USUAL_CELLS // n_columns))
    rng = np.random.default_rng([seed, 23, place])
    return usual_cells(family, take(known.encoded, rows), member, place, most, rng)


def _mislabelled(log_p: Floats, place: int) -> Conformal:
    """Keep what a class's own blind rows score, were they mislabelled."""
    if log_p.shape[1] < 2 or not len(log_p):
        return NO_SCORES
    scores = mislabel_scores(log_p, np.full(len(log_p), place))
    return Conformal((np.sort(scores),))
