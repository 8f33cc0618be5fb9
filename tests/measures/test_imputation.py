"""Errors of fills against hand-computed cases."""

import numpy as np
import pytest

from cbvae_cli.measures.imputation import Names, Numbers

CLASSES = ("a", "b", "c")
TRUTH = np.array([[0.0, 10.0], [2.0, 14.0], [4.0, 12.0]])
FILLED = np.array([[1.0, 10.0], [2.0, 10.0], [0.0, 0.0]])
HIDDEN = np.array([[True, True], [True, True], [True, False]])
LABELS = np.array([0, 0, 1])


def numbers(deviations=(2.0, 4.0), order=((0, 1, 2),)):
    measure = Numbers(np.array(deviations), np.array([0.0, 10.0]), len(CLASSES))
    for rows in order:
        some = (x[list(rows)] for x in (TRUTH, FILLED, HIDDEN, LABELS))
        measure.add(*some)
    return measure.summary(CLASSES)


def test_errors_are_in_deviations_of_training():
    found = numbers()
    # Squared, in deviations: row 0: .25, 0; row 1: 0, 1; row 2: 4.
    assert found["overall"] == pytest.approx(np.sqrt(5.25 / 5))
    assert found["classes"] == {
        "a": pytest.approx(np.sqrt(1.25 / 4)),
        "b": pytest.approx(2),
        "c": None,
    }
    assert found["cells"] == 5
    # Means of the hidden cells are 2 and 12.
    assert found["by_mean"] == pytest.approx(np.sqrt((8 / 4 + 8 / 16) / 5))
    assert found["deviations_from"] == {"training": 2, "data": 0}


def test_batches_make_no_difference():
    one, two = numbers(), numbers(order=((0,), (1, 2)))
    assert two["classes"] == pytest.approx(one["classes"])
    assert (two["by_mean"], two["cells"]) == (pytest.approx(one["by_mean"]), 5)


def test_a_deviation_that_training_does_not_know_is_that_of_the_hidden_cells():
    found = numbers(deviations=(np.nan, 4.0))
    in_data = np.std([0.0, 2.0, 4.0])
    assert found["classes"]["b"] == pytest.approx(4 / in_data)
    assert found["deviations_from"] == {"training": 1, "data": 1}


def test_hidden_cells_without_deviation_are_left_out():
    measure = Numbers(np.array([np.nan]), np.array([5.0]), 1)
    ones = np.ones((3, 1))
    measure.add(5 * ones, 6 * ones, ones > 0, np.zeros(3, dtype=int))
    found = measure.summary(("a",))
    assert (found["overall"], found["cells"]) == (None, 0)


def test_missing_cells_do_not_spoil_sums():
    truth = np.array([[1.0], [np.nan]])
    measure = Numbers(np.array([1.0]), np.array([0.0]), 1)
    measure.add(truth, truth + 1, ~np.isnan(truth), np.zeros(2, dtype=int))
    assert measure.summary(("a",))["overall"] == pytest.approx(1)


def test_categories_are_right_or_wrong():
    truth = np.array([[0.0], [0.0], [1.0], [2.0]])
    filled = np.array([[0.0], [1.0], [1.0], [1.0]])
    hidden = np.array([[True], [True], [True], [False]])
    measure = Names([3], 3)
    measure.add(truth, filled, hidden, np.array([0, 0, 1, 1]))
    assert measure.summary(CLASSES) == {
        "overall": pytest.approx(2 / 3),
        "classes": {"a": 0.5, "b": 1.0, "c": None},
        "by_mode": pytest.approx(2 / 3),
        "cells": 3,
    }


def test_nothing_hidden_is_nothing_measured():
    assert Names([], 1).summary(("a",))["overall"] is None
    assert Numbers(np.empty(0), np.empty(0), 1).summary(("a",))["overall"] is None
