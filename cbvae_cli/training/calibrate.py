"""What held-out rows say: probabilities, scales of scores, and how good both are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.strangeness import (
    METHODS,
    MOST_SCORES,
    Judges,
    Strangeness,
    fit_judges,
    fit_strangeness,
)
from cbvae_cli.calibration.temperature import RULES, Temperature, fit_temperature
from cbvae_cli.evidence import encode_rows, evidence
from cbvae_cli.families.contract import Family
from cbvae_cli.families.mixture import Mixture, fit_mixture
from cbvae_cli.measures.ranking import ranking
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.label import Label
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.training.parts import CALIBRATE, Parts, Places

MASKED_SHARES = (0.0, 0.15, 0.3, 0.45, 0.6)  # of cells hidden besides the missing
MOST_MASKED = 2_000  # rows of a class that are masked, at each share
MOST_ENCODED = 20_000  # rows of a class whose encodings a mixture is fitted on
EVIDENCE = ("error", "recon", "iw")


def take(encoded: Encoded, rows: Places) -> Encoded:
    """Give some of the rows."""
    return Encoded(encoded.matrix[rows], encoded.observed[rows], encoded.novel[rows])


def mixtures(
    family: Family, encoded: Encoded, labels: Places, parts: Parts, seed: int
) -> list[Mixture]:
    """Fit the aggregate posterior of every class on the rows that trained it."""
    found = []
    for place in range(family.n_classes):
        rows = np.flatnonzero(labels == place)
        rows = rows[parts.of_row[rows] != CALIBRATE][:MOST_ENCODED]
        mean, deviation = encode_rows(family, take(encoded, rows), place)
        found.append(fit_mixture(mean, deviation, seed))
    return found


def held_out_rows(labels: Places, parts: Parts, n_classes: int) -> list[Places]:
    """Give the calibration rows of every class, at most `MOST_SCORES` each."""
    return [
        parts.rows(CALIBRATE, np.flatnonzero(labels == place))[:MOST_SCORES]
        for place in range(n_classes)
    ]


def calibrate(
    family: Family,
    encoded: Encoded,
    labels: Places,
    parts: Parts,
    label: Label,
    seed: int,
) -> tuple[dict[str, Temperature], dict[str, Judges], dict[str, dict[str, Any]]]:
    """Fit everything that held-out rows decide.

    Returns
    -------
    temperatures : dict of str to Temperature
        By rule.
    judges : dict of str to Judges
        By method of `score`.
    held_out : dict of str to dict
        Scores by rule; each half of the rows judged by what the other half fitted.
    """
    by_class = held_out_rows(labels, parts, family.n_classes)
    rows = np.concatenate(by_class)
    counts = np.array(label.counts)
    shares = counts / counts.sum()
    found = evidence(family, take(encoded, rows), EVIDENCE, counts.sum())
    truth = labels[rows]
    temperatures, held_out = {}, {}
    for name in family.rules:
        rule = RULES[name]
        looks = rule.sign * found[:, :, EVIDENCE.index(rule.part)]
        temperatures[name] = fit_temperature(looks, truth, shares, rule)
        if family.n_classes > 1 and len(rows):
            crossed = _cross_fitted(looks, truth, shares, name, seed)
            held_out[name] = ranking(crossed, truth, label.classes)
    judges = _judges(family, encoded, by_class, found, counts.sum(), seed)
    return temperatures, judges, held_out


def _cross_fitted(
    looks: Floats, truth: NDArray[np.int64], shares: Floats, name: str, seed: int
) -> Floats:
    half = np.random.default_rng([seed, 3]).permutation(len(truth)) % 2
    crossed = np.empty_like(looks)
    for side in (0, 1):
        fitted = fit_temperature(
            looks[half != side], truth[half != side], shares, RULES[name]
        )
        crossed[half == side] = fitted.probabilities(looks[half == side])
    return crossed


def _judges(
    family: Family,
    encoded: Encoded,
    by_class: list[Places],
    found: NDArray[np.float64],
    n_training: int,
    seed: int,
) -> dict[str, Judges]:
    ends = np.cumsum([len(rows) for rows in by_class])
    by_method: dict[str, list[Strangeness]] = {method: [] for method in METHODS}
    for place, rows in enumerate(by_class):
        own = found[ends[place] - len(rows) : ends[place], place]
        share = encoded.observed[rows].mean(axis=1)
        masked = _masked(take(encoded, rows[:MOST_MASKED]), [seed, 4, place])
        again = evidence(family, masked, EVIDENCE, n_training)[:, place]
        masked_share = masked.observed.mean(axis=1)
        for method, (part, sign) in METHODS.items():
            at = EVIDENCE.index(part)
            by_method[method].append(
                fit_strangeness(
                    sign * own[:, at], share, sign * again[:, at], masked_share
                )
            )
    share = encoded.observed[np.concatenate(by_class)].mean(axis=1)
    return {
        method: fit_judges(
            by_method[method], sign * found[:, :, EVIDENCE.index(part)], share
        )
        for method, (part, sign) in METHODS.items()
    }


def _masked(encoded: Encoded, seed: list[int]) -> Encoded:
    """Hide cells at random, each row once at every share."""
    rng = np.random.default_rng(seed)
    hidden = [rng.random(encoded.observed.shape) < share for share in MASKED_SHARES]
    times = len(MASKED_SHARES)
    observed = np.tile(encoded.observed, (times, 1)) & ~np.concatenate(hidden)
    return Encoded(
        np.tile(encoded.matrix, (times, 1)), observed, np.tile(encoded.novel, times)
    )
