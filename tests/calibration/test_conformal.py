"""Cross-conformal p-values and none of these."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.calibration.conformal import (
    Conformal,
    check_can_abstain,
    none_of_these,
)
from cbvae_cli.errors import DataProblem

FOLDS = (np.array([1.0, 2.0, 2.0]), np.array([]), np.array([-1.0, 5.0]))


def test_p_values_are_the_counted_ones_ties_against_us():
    rows = np.array([[2.0, 0.0, 0.0], [2.5, 9.0, 5.0], [9.0, 9.0, 9.0], [1.0, 0, -1]])
    found = Conformal(FOLDS).p_values(rows)
    np.testing.assert_allclose(found, np.array([1 + 3, 1 + 1, 1, 1 + 5]) / 6)


def test_a_row_of_which_nothing_is_seen_fits_every_class():
    assert Conformal(FOLDS).p_values(np.full((2, 3), -np.inf)).tolist() == [1.0, 1.0]


def test_a_class_without_rows_rules_nothing_out():
    empty = Conformal((np.empty(0), np.empty(0)))
    assert empty.p_values(np.array([[1e9, 1e9]])).tolist() == [1.0]
    assert not empty.can_rule_out(0.9)


@pytest.mark.parametrize(("n_rows", "able"), [(18, False), (19, True), (40, True)])
def test_a_class_rules_out_from_so_many_rows_on(n_rows, able):
    folds = np.array_split(np.arange(float(n_rows)), 3)
    assert Conformal(tuple(folds)).can_rule_out(0.05) is able


def refused_share(n_members, alpha, n_rows=60, repeats=400):
    """Refuse rows of the class itself, by members that differ as fits do."""
    rng = np.random.default_rng(n_members)
    shares = []
    for _ in range(repeats):
        tilt = rng.normal(0, 0.3, n_members)  # each member errs in its own way

        def scored(rows, member, tilt=tilt):
            return np.abs(rows - tilt[member])

        folds = np.array_split(rng.normal(size=n_rows), n_members)
        held = tuple(np.sort(scored(fold, j)) for j, fold in enumerate(folds))
        new = rng.normal(size=200)
        rows = np.stack([scored(new, j) for j in range(n_members)], axis=1)
        shares.append((Conformal(held).p_values(rows) <= alpha).mean())
    return np.mean(shares)


@pytest.mark.parametrize("n_members", [1, 2, 5])
@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_the_class_loses_no_more_of_its_rows_than_is_promised(n_members, alpha):
    lost = refused_share(n_members, alpha)
    promised = Conformal((np.empty(0),) * n_members).promise(alpha)
    assert promised == (alpha if n_members == 1 else 2 * alpha)
    assert 0.5 * alpha < lost <= min(promised, 1.2 * alpha) + 0.005


@pytest.mark.parametrize(
    "by_member", [FOLDS, FOLDS[:1], (np.empty(0), np.array([3.0]), np.empty(0))]
)
def test_what_is_stored_comes_back(by_member):
    before = Conformal(by_member)
    back = Conformal.restore(before.arrays())
    assert len(back.by_member) == len(by_member)
    for one, other in zip(back.by_member, by_member, strict=True):
        np.testing.assert_array_equal(one, other)
    assert {a.dtype.name for a in before.arrays().values()} == {"float64", "int64"}


def test_none_of_these_means_that_every_class_finds_the_row_too_strange():
    p = np.array([[0.01, 0.02, 0.9], [0.01, 0.5, 0.01], [0.05, 0.05, 0.05]])
    assert none_of_these(p, np.full(3, 0.05)).tolist() == [False, False, True]
    one_is_small = np.array([0.05, 0.05, 1.0])  # of no rows held out
    assert none_of_these(p, one_is_small).tolist() == [True, False, True]


def test_a_small_class_keeps_rows_that_are_not_stranger_than_all_of_its_own():
    small = Conformal((np.array([1.0, 2.0, 3.0]),))
    assert not small.can_rule_out(0.05)
    p = small.p_values(np.array([[2.5], [3.5]]))
    limits = np.array([small.limit(0.05)])
    assert none_of_these(p[:, None], limits).tolist() == [False, True]
    assert Conformal((np.arange(50.0),)).limit(0.05) == 0.05


def test_without_a_class_to_rule_out_there_is_no_such_answer():
    nobody = np.zeros(2, dtype=bool)
    with pytest.raises(DataProblem, match=r"--abstain 0\.01") as caught:
        check_can_abstain(nobody, 0.01)
    assert caught.value.exit_code == 3
    assert "99 held-out rows" in caught.value.expected
