"""Log-odds of the likeliest other class."""

from __future__ import annotations

import numpy as np

from cbvae_cli.calibration.mislabel import mislabel_scores


def test_the_likeliest_other_class_is_set_against_the_given_one():
    p = np.array([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    found = mislabel_scores(np.log(p), np.array([0, 1, 2]))
    np.testing.assert_allclose(found, np.log([0.3 / 0.5, 0.5 / 0.3, 0.5 / 0.2]))


def test_scores_are_above_nought_just_where_another_class_is_likelier():
    log_p = np.log(np.random.default_rng(0).dirichlet(np.ones(4), 300))
    given = np.arange(300) % 4
    found = mislabel_scores(log_p, given)
    np.testing.assert_array_equal(found > 0, log_p.argmax(axis=1) != given)


def test_impossible_classes_give_finite_scores():
    log_p = np.array([[0.0, -np.inf], [-np.inf, 0.0]])
    found = mislabel_scores(log_p, np.array([1, 1]))
    assert np.isfinite(found).all()
    assert found[0] > 600 > -600 > found[1]
