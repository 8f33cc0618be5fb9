"""Figures of probabilities against hand-computed cases."""

import numpy as np
import pytest

from cbvae_cli.measures.probability import probability

CLASSES = ("a", "b", "c")
P = np.array(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.5, 0.4, 0.1], [0.2, 0.6, 0.2]],
)


def test_figures_are_those_computed_by_hand():
    found = probability(P, np.array([0, 1, 1, 1]), CLASSES)
    assert found["log_loss"]["overall"] == pytest.approx(
        -np.log([0.7, 0.8, 0.4, 0.6]).mean()
    )
    assert found["auroc"]["classes"] == {"a": 1.0, "b": 1.0, "c": None}
    assert found["auprc"] == {"macro": 1.0, "classes": {"a": 1, "b": 1, "c": None}}
    brier = {
        "a": (0.3**2 + 0.1**2 + 0.5**2 + 0.2**2) / 4,
        "b": (0.2**2 + 0.2**2 + 0.6**2 + 0.4**2) / 4,
        "c": None,
    }
    assert found["brier"]["classes"] == pytest.approx(brier)
    assert found["brier"]["macro"] == pytest.approx((brier["a"] + brier["b"]) / 2)


def test_a_precision_that_falls_is_averaged_over_recall():
    p = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]])
    found = probability(p, np.array([1, 0, 1, 0]), ("n", "p"))
    assert found["auprc"]["classes"]["p"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["auroc"]["classes"]["p"] == pytest.approx(3 / 4)


def test_rows_of_one_class_have_no_ranking_and_keep_the_rest():
    found = probability(P, np.array([1, 1, 1, 1]), CLASSES)
    assert found["auprc"] == {"macro": None, "classes": dict.fromkeys(CLASSES)}
    assert found["auroc"]["macro"] is None
    assert found["brier"]["classes"]["b"] > 0
    assert found["log_loss"]["overall"] > 0


def test_certainty_that_is_wrong_stays_finite():
    p = np.array([[1.0, 0.0], [0.0, 1.0]])
    found = probability(p, np.array([1, 1]), ("n", "p"))
    assert np.isfinite(found["log_loss"]["overall"])
