"""Probabilities of classes from evidence: one temperature, a bias for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.calibration.present import log_softmax
from cbvae_cli.table.cells import Floats


@dataclass(frozen=True)
class Rule:
    """What a rule of `classify` looks at.

    Attributes
    ----------
    part : str
        Part of evidence.
    sign : float
        -1 where less is better.
    biased : bool
        Whether class shares and a fitted bias count; without, the class with the
        best part always wins, as the papers have it.
    natural : bool
        Whether a unit of the part is a nat of log-odds before any row speaks.
    sharp : bool
        Whether the networks that tell classes apart are asked, not those that
        explain rows.
    """

    part: str
    sign: float
    biased: bool
    natural: bool
    sharp: bool


# The blend of `posterior` starts from evidence lower bounds calibrated like this.
ELBO = Rule("elbo", 1.0, biased=True, natural=True, sharp=True)
ERROR = Rule("error", -1.0, biased=True, natural=False, sharp=True)
RULES = {
    "likelihood": Rule("iw", 1.0, biased=True, natural=True, sharp=False),
    "probability": Rule("recon", 1.0, biased=False, natural=False, sharp=False),
    "error": Rule("error", -1.0, biased=False, natural=False, sharp=True),
    "discriminator": ELBO,  # of networks whose whole evidence are log-odds
}


@dataclass(frozen=True)
class Temperature:
    """p(class given row) = softmax(scale * evidence + bias).

    Attributes
    ----------
    scale : float
        Per nat, or per unit of squared error.
    bias : float64 array, shape (n_classes,)
    """

    scale: float
    bias: Floats

    def log_probabilities(self, evidence: Floats) -> Floats:
        """Give log p(class given row), shape (n_rows, n_classes)."""
        return log_softmax(self.scale * evidence + self.bias)

    def probabilities(self, evidence: Floats) -> Floats:
        """Give p(class given row), shape (n_rows, n_classes)."""
        return np.exp(self.log_probabilities(evidence))

    def describe(self) -> dict[str, Any]:
        """Give the JSON form."""
        return {"scale": self.scale, "bias": [float(b) for b in self.bias]}

    @classmethod
    def restore(cls, described: Mapping[str, Any]) -> Temperature:
        """Build from `describe`."""
        return cls(float(described["scale"]), np.array(described["bias"], dtype=float))


@dataclass(frozen=True)
class Members:
    """A temperature for each member; their log-odds are averaged.

    Attributes
    ----------
    each : tuple of Temperature
    """

    each: tuple[Temperature, ...]

    def log_probabilities(self, evidence: Floats) -> Floats:
        """Give log p(class given row), shape (n_rows, n_classes).

        Parameters
        ----------
        evidence : float64 array, shape (n_rows, n_members, n_classes)
            Of all members, or of one alone: then the first temperature speaks.
        """
        logits = [
            fitted.scale * evidence[:, member] + fitted.bias
            for member, fitted in zip(range(evidence.shape[1]), self.each, strict=False)
        ]
        return log_softmax(np.mean(logits, axis=0))

    def of(self, member: int) -> Members:
        """Give one member's temperature alone."""
        return Members((self.each[member],))

    def describe(self) -> list[dict[str, Any]]:
        """Give the JSON form."""
        return [fitted.describe() for fitted in self.each]

    @classmethod
    def restore(cls, described: Sequence[Mapping[str, Any]]) -> Members:
        """Build from `describe`."""
        return cls(tuple(Temperature.restore(each) for each in described))


SLACK = 4.0  # rows' worth of belief in scale 1 and in the class shares


def fit_members(
    evidence: Floats,
    labels: NDArray[np.int64],
    member: NDArray[np.int64],
    n_members: int,
    shares: Floats,
    rule: Rule,
) -> Members:
    """Fit one temperature on all rows, then each member's own, leaning on that.

    Parameters
    ----------
    evidence : float64 array, shape (n_rows, n_classes)
        Of the member that is blind to the row, the rule's sign applied.
    labels : int array, shape (n_rows,)
    member : int array, shape (n_rows,)
    n_members : int
    shares : float64 array, shape (n_classes,)
    rule : Rule
        Without biases all members share the one scale: the class with the best part
        must win.

    Returns
    -------
    Members
    """
    pooled = fit_temperature(evidence, labels, shares, rule)
    if not rule.biased or n_members == 1:
        return Members((pooled,) * n_members)
    each = []
    for number in range(n_members):
        own = member == number
        lean = pooled.scale * evidence[own] + (pooled.bias - np.log(shares))
        fitted = fit_temperature(lean, labels[own], shares, ELBO)
        bias = fitted.bias + fitted.scale * (pooled.bias - np.log(shares))
        each.append(Temperature(fitted.scale * pooled.scale, bias))
    return Members(tuple(each))


def fit_temperature(
    evidence: Floats, labels: NDArray[np.int64], shares: Floats, rule: Rule
) -> Temperature:
    """Fit scale and biases by log loss on rows that trained nothing.

    Parameters
    ----------
    evidence : float64 array, shape (n_rows, n_classes)
        The rule's part, its sign applied.
    labels : int array, shape (n_rows,)
    shares : float64 array, shape (n_classes,)
        Class shares in training: the log of them is the bias before any row speaks.
    rule : Rule

    Returns
    -------
    Temperature
    """
    from scipy.optimize import minimize

    prior = np.log(shares) if rule.biased else np.zeros(len(shares))
    if not len(labels):
        return Temperature(1.0, prior)
    start = 1.0 if rule.natural else 1 / max(float(np.std(evidence)), 1e-6)
    freedom = len(shares) if rule.biased else 0
    weights = _weights(labels, shares)

    def unpack(point: Floats) -> tuple[float, Floats]:
        bias = prior + point[1:] if freedom else prior
        return start * float(np.exp(point[0])), bias

    def cost(point: Floats) -> float:
        scale, bias = unpack(point)
        logs = log_softmax(scale * evidence + bias)
        lost = -(weights * logs[np.arange(len(labels)), labels]).sum()
        return float(lost + SLACK / 2 * np.square(point).sum())

    found = minimize(cost, np.zeros(1 + freedom), method="L-BFGS-B")
    return Temperature(*unpack(found.x))


def _weights(labels: NDArray[np.int64], shares: Floats) -> Floats:
    """Weigh rows so that classes count by their shares in training.

    They hardly differ, unless equal rows had to stay together or rows of large
    classes were left out.
    """
    counts = np.bincount(labels, minlength=len(shares))
    present = np.where(counts > 0, shares, 0.0)
    ratio = present / present.sum() * len(labels) / np.maximum(counts, 1)
    weights: Floats = ratio[labels]
    return weights
