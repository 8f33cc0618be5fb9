"""Probabilities of classes from evidence: one temperature, a bias for each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    """

    part: str
    sign: float
    biased: bool


RULES = {
    "likelihood": Rule("iw", 1.0, True),
    "probability": Rule("recon", 1.0, False),
    "error": Rule("error", -1.0, False),
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
        return _log_softmax(self.scale * evidence + self.bias)

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


SLACK = 4.0  # rows' worth of belief in scale 1 and in the class shares


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
    start = 1.0 if rule.biased else 1 / max(float(np.std(evidence)), 1e-6)
    freedom = len(shares) if rule.biased else 0
    weights = _weights(labels, shares)

    def unpack(point: Floats) -> tuple[float, Floats]:
        bias = prior + point[1:] if freedom else prior
        return start * float(np.exp(point[0])), bias

    def cost(point: Floats) -> float:
        scale, bias = unpack(point)
        logs = _log_softmax(scale * evidence + bias)
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


def _log_softmax(logits: Floats) -> Floats:
    normalised: Floats = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return normalised
