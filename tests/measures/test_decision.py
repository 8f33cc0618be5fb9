"""Figures of calls against hand-computed cases."""

import numpy as np
import pytest

from cbvae_cli.measures.decision import decision


def test_figures_are_those_computed_by_hand():
    labels = np.array([0] * 6 + [1] * 4)
    called = np.array([0] * 5 + [1] + [1] * 3 + [0])
    found = decision(called, labels, ("n", "p"))
    assert found["confusion"] == {"n": {"n": 5, "p": 1}, "p": {"n": 1, "p": 3}}
    assert found["f1"]["classes"] == pytest.approx({"n": 10 / 12, "p": 6 / 8})
    assert found["f1"]["macro"] == pytest.approx((10 / 12 + 6 / 8) / 2)
    assert found["balanced_accuracy"]["overall"] == pytest.approx((5 / 6 + 3 / 4) / 2)
    mcc = (3 * 5 - 1 * 1) / np.sqrt(4 * 4 * 6 * 6)
    assert found["mcc"]["overall"] == pytest.approx(mcc)


def test_a_class_that_is_called_but_has_no_rows_counts_against_the_others():
    found = decision(np.array([0, 2, 1]), np.array([0, 0, 1]), ("a", "b", "c"))
    assert found["f1"]["classes"] == pytest.approx({"a": 2 / 3, "b": 1.0, "c": None})
    assert found["balanced_accuracy"]["overall"] == pytest.approx(0.75)
    assert found["confusion"]["a"] == {"a": 1, "b": 0, "c": 1}


def test_a_class_that_is_never_called_has_no_f1_to_speak_of():
    found = decision(np.zeros(3, dtype=int), np.array([0, 0, 1]), ("a", "b"))
    assert found["f1"]["classes"]["b"] == 0


def test_rows_of_one_class_cannot_be_confused():
    found = decision(np.array([0, 1]), np.array([0, 0]), ("a", "b"))
    assert found["mcc"]["overall"] is None
    assert found["balanced_accuracy"]["overall"] is None
    assert found["f1"]["classes"] == {"a": pytest.approx(2 / 3), "b": None}
