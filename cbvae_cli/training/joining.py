"""Calibrating one class among others that were calibrated before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.conformal import Conformal
from cbvae_cli.calibration.decide import best_f1_threshold
from cbvae_cli.calibration.detectors import Detecting
from cbvae_cli.calibration.mislabel import mislabel_scores
from cbvae_cli.calibration.narrow import narrow_members, narrow_posterior
from cbvae_cli.calibration.posterior import Posterior, elbo_of
from cbvae_cli.calibration.strangeness import Judges, Strangeness
from cbvae_cli.calibration.temperature import (
    ELBO,
    ERROR,
    RULES,
    SLACK,
    Members,
    Rule,
    Temperature,
    fit_members,
)
from cbvae_cli.calibration.witness import Witness
from cbvae_cli.evidence import take
from cbvae_cli.families.cbvae import ClassVAE
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.training.blind import Known, blind_evidence, judged_rows
from cbvae_cli.training.calibrate import EVIDENCE, calibrate
from cbvae_cli.training.parts import Parts
from cbvae_cli.training.raised import raised

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Joined:
    """What an update calibrates.

    Attributes
    ----------
    temperatures, posterior, thresholds
        As in `Model`.
    judges : dict of str to Strangeness
        What the class finds strange, by method of `score`.
    witness : Witness
        Of the class.
    held_out, parts : dict
        As in `Calibration`; empty where no real rows could judge.
    """

    temperatures: Mapping[str, Members]
    posterior: Posterior
    thresholds: Floats
    judges: dict[str, Strangeness]
    witness: Witness
    held_out: dict[str, dict[str, Any]]
    parts: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Among:
    """All classes as they will stand in the bundle.

    Attributes
    ----------
    old : Model
        Without the class, or with what it was.
    order : list of int
        Where each class comes from: a place in the old model, or one behind its last.
    family, classifier : ClassVAE
    known : Known
        Rows of all classes, real or drawn.
    detecting : Detecting
    """

    old: Model
    order: list[int]
    family: ClassVAE
    classifier: ClassVAE
    known: Known
    detecting: Detecting

    @property
    def place(self) -> int:
        """Place of the class."""
        return self.order.index(len(self.old.classes))

    @property
    def others(self) -> list[int]:
        """Places of the other classes in the old model."""
        return [at for at in self.order if at < len(self.old.classes)]


def join_anew(among: Among, seed: int) -> Joined:
    """Calibrate all classes on real rows."""
    found = calibrate(
        among.family, among.classifier, among.known, seed, among.detecting
    )
    return Joined(
        found.temperatures,
        found.posterior,
        found.thresholds,
        {name: each.by_class[among.place] for name, each in found.judges.items()},
        found.witnesses[among.place],
        found.held_out,
        found.parts,
    )


def join(among: Among, seed: int) -> Joined:
    """Find the share of one class by its evidence; leave the others' odds alone.

    A blend fitted on drawn rows would learn what tells them from real ones. So the
    class takes its share from calibrated evidence, of which one bias a member is
    fitted, and what is left goes to the others as before.
    """
    old, known, place = among.old, among.known, among.place
    judged = judged_rows(known, seed)
    some = take(known.encoded, judged.rows)
    n_training = sum(known.label.counts)
    found, sharp = (
        blind_evidence(family, some, judged.member, parts, n_training)
        for family, parts in (
            (among.family, EVIDENCE),
            (among.classifier, Posterior.PARTS),
        )
    )
    measured = {name: found[..., at] for at, name in enumerate(EVIDENCE)}
    measured["error"] = sharp[..., Posterior.PARTS.index("error")]
    lookers = _Lookers(
        known.labels[judged.rows],
        judged.member,
        judged.weights,
        place,
        known.shares,
        len(old.classes) == 1,
    )

    def fit(members: Members, looks: Floats, rule: Rule) -> Members:
        return lookers.fit(narrow_members(members, among.others), looks, rule)

    temperatures = {
        name: fit(members, RULES[name].sign * measured[RULES[name].part], RULES[name])
        for name, members in old.temperatures.items()
    }
    elbo = fit(old.posterior.elbo, elbo_of(sharp), ELBO)
    error = fit(old.posterior.error, -measured["error"], ERROR)
    posterior = narrow_posterior(old.posterior, among.others)
    behind = posterior.judged + (posterior.judged >= place)
    posterior = replace(posterior, judged=behind, elbo=elbo, error=error)
    log_p = _by_blind_member(elbo, elbo_of(sharp), judged.member)
    own = lookers.labels == place
    joined = np.exp(log_p[:, place])
    thresholds = np.append(
        raised(old, among.order, known, judged, joined),
        best_f1_threshold(joined, own, judged.weights),
    )
    alone = calibrate(*_alone(among), seed, among.detecting)
    scores = mislabel_scores(log_p[own], lookers.labels[own])
    return Joined(
        temperatures,
        posterior,
        thresholds[among.order],
        {name: each.by_class[0] for name, each in alone.judges.items()},
        replace(alone.witnesses[0], mislabelled=Conformal((np.sort(scores),))),
        {},
        {},
    )


def _alone(among: Among) -> tuple[ClassVAE, ClassVAE, Known]:
    """Give the class as a bundle of its own."""
    family = among.family.only([among.place])
    return family, family, known_of(among.known, among.place)


def known_of(known: Known, place: int) -> Known:
    """Give the rows of one class as a table of its own."""
    rows = np.flatnonzero(known.labels == place)
    parts = known.parts
    alone = Parts(parts.fold[rows], parts.stops[:, rows], parts.turn[rows])
    name = known.label.classes[place]
    # The count says how rare a category is that no row of the whole table held.
    label = replace(
        known.label, classes=(name,), counts=(sum(known.label.counts),), positive=name
    )
    return Known(
        known.values[rows],
        take(known.encoded, rows),
        np.zeros(len(rows), dtype=np.int64),
        known.weights[rows],
        np.ones(1),
        alone,
        label,
        known.names,
    )


@dataclass(frozen=True)
class _Lookers:
    """Rows that biases are fitted on.

    Attributes
    ----------
    labels, member : int array, shape (n_rows,)
    weights : float64 array, shape (n_rows,)
    place : int
        Of the class whose bias is fitted.
    shares : float64 array, shape (n_classes,)
    alone : bool
        Whether there was one class before, which needed no odds.
    """

    labels: Places
    member: Places
    weights: Floats
    place: int
    shares: Floats
    alone: bool

    def fit(self, others: Members, looks: Floats, rule: Rule) -> Members:
        """Put a bias for the class among those of the others.

        Parameters
        ----------
        others : Members
        looks : float64 array, shape (n_rows, n_classes)
        rule : Rule
        """
        if self.alone:
            who = (self.labels, self.member, len(others.each), self.shares, rule)
            return fit_members(looks, *who)
        if not rule.biased:
            return Members(tuple(self._with(each, 0.0) for each in others.each))
        odds = np.empty(len(looks))
        for number, each in enumerate(others.each):
            own = self.member == number
            odds[own] = self._log_odds(each, looks[own])
        true = self.labels == self.place
        pooled = _bias(odds, true, self.weights, 0.0)
        found = []
        for number, each in enumerate(others.each):
            own = self.member == number
            bias = _bias(odds[own], true[own], self.weights[own], pooled)
            found.append(self._with(each, self._prior + bias))
        return Members(tuple(found))

    @property
    def _prior(self) -> float:
        """Bias of the class before any row speaks, on the scale of the others'."""
        share = float(self.shares[self.place])
        return float(np.log(share / (1 - share)))

    def _log_odds(self, others: Temperature, looks: Floats) -> Floats:
        rest = np.delete(looks, self.place, axis=1)
        against = np.logaddexp.reduce(others.scale * rest + others.bias, axis=1)
        odds: Floats = others.scale * looks[:, self.place] + self._prior - against
        return odds

    def _with(self, others: Temperature, bias: float) -> Temperature:
        return Temperature(others.scale, np.insert(others.bias, self.place, bias))


def _bias(odds: Floats, true: Bools, weights: Floats, lean: float) -> float:
    """Fit what to add to log-odds by log loss, with `SLACK` rows' belief in `lean`."""
    from scipy.optimize import brentq
    from scipy.special import expit

    if not true.any():
        return lean

    def slope(bias: float) -> float:
        lost = (weights * (expit(odds + bias) - true)).sum()
        return float(lost + SLACK * (bias - lean))

    reach = 1 + float(weights.sum()) / SLACK  # the slope has changed its sign by then
    return float(brentq(slope, lean - reach, lean + reach))


def _by_blind_member(members: Members, looks: Floats, member: Places) -> Floats:
    log_p = np.empty(looks.shape)
    for number in range(len(members.each)):
        own = member == number
        log_p[own] = members.of(number).log_probabilities(looks[own, None])
    return log_p


def judging_together(by_class: Sequence[Strangeness]) -> Judges:
    """Let classes judge together.

    A row's score is that of its kindest class. Blind rows stand in the list of all
    with the score of their own class, which is no kinder: p-values come out a little
    too large, never too small.
    """
    chosen = Judges(tuple(by_class), Conformal(()))
    ranks = [chosen.by_class[place].ranks.by_member for place in chosen.judging]
    together = (np.sort(np.concatenate(each)) for each in zip(*ranks, strict=True))
    return replace(chosen, ranks=Conformal(tuple(together)))
