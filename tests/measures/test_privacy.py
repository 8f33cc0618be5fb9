"""Nearness to training rows: nothing given away, and everything."""

import numpy as np
import pytest

from cbvae_cli.measures.privacy import closest_record, near_copies


def rows(seed, n_rows=800):
    return np.random.default_rng(seed).standard_normal((n_rows, 4))


def test_rows_that_know_nothing_give_nothing_away():
    found = closest_record(rows(0), rows(1), rows(2), 0)
    assert found["share"] == pytest.approx(0.5, abs=0.06)
    assert found["attack_auc"] == pytest.approx(0.5, abs=0.06)
    assert found["rows"] == 800
    near = near_copies(rows(0), rows(1))
    assert near["share"] == pytest.approx(near["expected"], abs=0.02)


def test_copies_with_a_little_noise_are_found():
    train = rows(1)
    noisy = train + 0.001 * rows(3)
    found = closest_record(noisy, train, rows(2), 0)
    assert found["share"] > 0.99
    assert found["attack_auc"] > 0.99
    assert near_copies(noisy, train)["share"] > 0.9


def test_as_many_training_rows_are_taken_as_were_held_out():
    found = closest_record(rows(0), rows(1, 4000), rows(2, 200), 0)
    assert found["rows"] == 200
    assert found["share"] == pytest.approx(0.5, abs=0.07)


def test_too_few_rows_say_nothing():
    assert closest_record(rows(0), rows(1), rows(2, 9), 0) is None
    assert closest_record(rows(0)[:0], rows(1), rows(2), 0) is None
    assert near_copies(rows(0), rows(1, 9)) is None
    assert near_copies(rows(0)[:0], rows(1)) is None


def test_equal_rows_are_no_near_copies_where_rows_repeat():
    flags = np.random.default_rng(0).integers(0, 2, (500, 3)).astype(float)
    assert near_copies(flags, flags)["count"] == 0
