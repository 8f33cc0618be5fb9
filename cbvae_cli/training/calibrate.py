"""What blind rows say: probabilities, scales of scores, and how good both are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cbvae_cli.calibration.decide import best_f1_threshold
from cbvae_cli.calibration.detectors import Detecting
from cbvae_cli.calibration.posterior import NAMES, Posterior, elbo_of
from cbvae_cli.calibration.strangeness import Judges
from cbvae_cli.calibration.temperature import RULES, Members, fit_members
from cbvae_cli.calibration.witness import Witness
from cbvae_cli.evidence import take
from cbvae_cli.families.contract import Family
from cbvae_cli.measures.ranking import ranking
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Layout
from cbvae_cli.training.blind import (
    Judged,
    Known,
    blind_evidence,
    further_rows,
    judged_rows,
)
from cbvae_cli.training.judge import DEFAULT, Evidence, judge
from cbvae_cli.training.stack import fit_posterior
from cbvae_cli.training.turns import Blind, Extra

EVIDENCE = ("error", "recon", "iw")


@dataclass(frozen=True)
class Calibration:
    """Everything that blind rows decide.

    Attributes
    ----------
    temperatures : dict of str to Members
        By rule.
    posterior : Posterior
    thresholds : float64 array, shape (n_classes,)
        Probability from which calling a class has the best F1.
    judges : dict of str to Judges
        By method of `score`.
    witnesses : tuple of Witness
        By class.
    held_out : dict of str to dict
        Scores by rule.
    parts : dict of str to dict
        Weight and scores of each part of the posterior by itself.
    """

    temperatures: dict[str, Members]
    posterior: Posterior
    thresholds: Floats
    judges: dict[str, Judges]
    witnesses: tuple[Witness, ...]
    held_out: dict[str, dict[str, Any]]
    parts: dict[str, dict[str, Any]]


def calibrate(
    family: Family,
    classifier: Family,
    known: Known,
    seed: int,
    detecting: Detecting = DEFAULT,
) -> Calibration:
    """Fit everything that blind rows decide.

    Parameters
    ----------
    family : Family
        The networks that explain rows.
    classifier : Family
        Those that tell classes apart; the same, where there was no joint phase.
    known : Known
    seed : int
    detecting : Detecting

    Returns
    -------
    Calibration
    """
    judged = judged_rows(known, seed)
    n_training = sum(known.label.counts)
    some = take(known.encoded, judged.rows)
    found = blind_evidence(family, some, judged.member, EVIDENCE, n_training)
    sharp = blind_evidence(classifier, some, judged.member, Posterior.PARTS, n_training)
    measured = {name: found[:, :, at] for at, name in enumerate(EVIDENCE)}
    measured["error"] = sharp[:, :, Posterior.PARTS.index("error")]
    measured["elbo"] = elbo_of(sharp)
    temperatures, held_out = _temperatures(family, known, judged, measured, seed)
    posterior, log_p = _posterior(known, judged, sharp, family.layout, seed)
    truth = known.labels[judged.rows]
    looked = Evidence(EVIDENCE, found, log_p[-1])
    judges, witnesses = judge(family, known, judged, looked, seed, detecting)
    probabilities = np.exp(log_p)
    blended = probabilities[-1]
    thresholds = np.array(
        [
            best_f1_threshold(blended[:, place], truth == place, judged.weights)
            for place in range(family.n_classes)
        ]
    )
    parts: dict[str, dict[str, Any]] = {}
    if family.n_classes > 1 and len(truth):
        measured_on = (truth, known.label.classes, judged.weights)
        held_out = {"posterior": ranking(blended, *measured_on), **held_out}
        each = zip(NAMES, posterior.weights, probabilities[:-1], strict=False)
        parts = {
            name: {"weight": float(weight), **ranking(p, *measured_on)}
            for name, weight, p in each
        }
    return Calibration(
        temperatures, posterior, thresholds, judges, witnesses, held_out, parts
    )


def _posterior(
    known: Known, judged: Judged, sharp: Floats, layout: Layout, seed: int
) -> tuple[Posterior, Floats]:
    rows, parts = judged.rows, known.parts
    blind = Blind(
        known.labels[rows],
        judged.member,
        parts.turn[rows].astype(np.int64),
        judged.weights,
        sharp,
        layout.known(known.values[rows]),
        known.encoded.matrix[rows],
        known.encoded.observed[rows],
    )
    more = further_rows(known, judged, seed)
    taught = layout.known(known.values[more.rows])
    extra = Extra(known.labels[more.rows], more.weights, taught, more.turn)
    return fit_posterior(blind, extra, known.shares, parts.n_members, known.names, seed)


def _temperatures(
    family: Family, known: Known, judged: Judged, measured: dict[str, Floats], seed: int
) -> tuple[dict[str, Members], dict[str, dict[str, Any]]]:
    truth, shares = known.labels[judged.rows], known.shares
    half = np.random.default_rng([seed, 3]).permutation(len(truth)) % 2
    temperatures, held_out = {}, {}
    for name in family.rules:
        if name not in RULES:
            continue
        rule = RULES[name]
        looks = rule.sign * measured[rule.part]
        who = (judged.member, family.n_members, shares, rule)
        temperatures[name] = fit_members(looks, truth, *who)
        if family.n_classes > 1 and len(truth):
            crossed = np.empty_like(looks)
            for side in (0, 1):
                rest, own = half != side, half == side
                fitted = fit_members(
                    looks[rest], truth[rest], judged.member[rest], *who[1:]
                )
                for number in range(family.n_members):
                    at = own & (judged.member == number)
                    alone = fitted.of(number)
                    crossed[at] = alone.log_probabilities(looks[at, None])
            held_out[name] = ranking(
                np.exp(crossed), truth, known.label.classes, judged.weights
            )
    return temperatures, held_out
