"""Rows of a class as anomalies among the others'."""

import numpy as np
import pytest

from cbvae_cli.measures.anomaly import anomaly

STRANGE = np.array([[0.0, 5.0], [1.0, 4.0], [3.0, 0.0], [0.5, 1.0]])


def test_only_the_other_classes_judge():
    found = anomaly(STRANGE, np.array([0, 0, 1, 1]), ("a", "b"), [0, 1])
    # Of a's eyes: b's rows get 3 and .5, a's own 0 and 1: three pairs of four.
    assert found["classes"] == pytest.approx({"a": 1.0, "b": 0.75})
    assert found["macro"] == pytest.approx(0.875)
    assert found["unknown"] is None


def test_rows_never_trained_are_anomalies_among_all():
    found = anomaly(STRANGE, np.array([0, 0, 1, -1]), ("a", "b"), [0, 1])
    # The kindest class gives 0, 1, 0 and .5.
    assert found["unknown"] == pytest.approx(2 / 3)


def test_one_class_has_none_to_judge_it():
    found = anomaly(np.arange(4.0)[:, None], np.array([0, 0, 0, -1]), ("a",), [0])
    assert found["classes"] == {"a": None}
    assert found["macro"] is None
    assert found["unknown"] == 1


def test_a_class_too_small_to_judge_is_not_asked():
    found = anomaly(STRANGE, np.array([0, 0, 1, 1]), ("a", "b"), [0])
    assert found["classes"]["a"] is None
    assert found["classes"]["b"] == pytest.approx(0.75)
