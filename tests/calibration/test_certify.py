"""The bound on false alarms."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from cbvae_cli.calibration.certify import Certificate, certify
from cbvae_cli.errors import DataProblem

COUNTS = np.array([0, 0])


def certificate(scores):
    return Certificate(np.sort(np.asarray(scores, dtype=float)), COUNTS)


@given(
    st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=25),
    st.lists(st.integers(-6, 6).map(float), max_size=10),
)
def test_p_values_are_the_counted_ones_ties_against_us(held, asked):
    n = len(held)
    expected = [(1 + sum(s >= one for s in held)) / (n + 1) for one in asked]
    np.testing.assert_array_equal(certificate(held).p_values(np.array(asked)), expected)


@given(
    st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=40),
    st.sampled_from([0.03, 0.05, 0.07, 0.1, 0.29, 1 / 3, 0.5, 0.9, 0.999]),
)
def test_above_the_cut_are_just_the_rows_whose_p_value_keeps_the_bound(held, bound):
    found = certificate(held)
    asked = np.arange(-6.0, 6.5, 0.5)
    if 1 / (len(held) + 1) > bound:
        with pytest.raises(DataProblem):
            found.cut(bound)
        return
    above = asked > found.cut(bound)
    np.testing.assert_array_equal(above, found.p_values(asked) <= bound)


def chance_broken(k, n, bound):
    """Sum P(Binomial(n, 1 - bound) = j) for j >= k, term by term."""
    return sum(
        comb(n, j) * (1 - bound) ** j * bound ** (n - j) for j in range(k, n + 1)
    )


@pytest.mark.parametrize("n", [1, 5, 13, 22, 59, 100])
@pytest.mark.parametrize("bound", [0.03, 0.05, 0.3, 0.6])
@pytest.mark.parametrize("confidence", [0.3, 0.9, 0.95])
def test_with_confidence_the_cut_is_the_least_order_statistic_that_keeps_it(
    n, bound, confidence
):
    held = np.arange(1.0, n + 1)  # the k-th smallest is k
    keeps = [k for k in range(1, n + 1) if chance_broken(k, n, bound) <= 1 - confidence]
    if keeps:
        assert certificate(held).cut(bound, confidence) == keeps[0]
    else:
        assert (1 - bound) ** n > 1 - confidence
        with pytest.raises(DataProblem):
            certificate(held).cut(bound, confidence)


@pytest.mark.parametrize(
    ("confidence", "n", "needed"), [(None, 98, 99), (0.95, 298, 299), (0.9, 0, 230)]
)
def test_too_few_rows_are_refused_with_how_many_are_needed(confidence, n, needed):
    with pytest.raises(DataProblem) as caught:
        certificate(np.zeros(n)).cut(0.01, confidence)
    assert caught.value.exit_code == 3
    assert f"{n} certification rows" in caught.value.what
    assert f"at least {needed} rows" in caught.value.expected
    assert certificate(np.zeros(needed)).cut(0.01, confidence) == 0.0


@pytest.mark.parametrize("confidence", [None, 0.95])
def test_the_bound_that_a_refusal_names_can_be_kept(confidence):
    found = certificate(np.arange(120))
    with pytest.raises(DataProblem) as caught:
        found.cut(1e-3, confidence)
    named = float(caught.value.hint.split()[2])
    assert found.cut(named, confidence) == 119


@pytest.mark.parametrize("n", [99, 250])
def test_on_average_over_draws_the_bound_holds_and_is_used(n):
    rng = np.random.default_rng(0)
    cuts = [certificate(rng.normal(size=n)).cut(0.05) for _ in range(2000)]
    # The rate at a cut is known: the upper tail of the normal distribution.
    assert 0.04 < norm.sf(cuts).mean() <= 0.051


@pytest.mark.parametrize("n", [99, 250])
def test_with_confidence_few_draws_break_the_bound(n):
    rng = np.random.default_rng(1)
    cuts = [certificate(rng.normal(size=n)).cut(0.05, 0.9) for _ in range(2000)]
    broken = (norm.sf(cuts) > 0.05).mean()
    assert 0.03 < broken < 0.12


@pytest.mark.parametrize("confidence", [None, 0.9])
def test_ties_break_no_bound(confidence):
    """Trees give few different scores; the rate at a tie counts whole."""
    rng = np.random.default_rng(2)
    chances = np.array([0.7, 0.2, 0.06, 0.03, 0.01])
    tails = np.append(chances[::-1].cumsum()[::-1], 0.0)
    draws = rng.choice(5, size=(1000, 150), p=chances)
    cuts = np.array([certificate(d).cut(0.05, confidence) for d in draws])
    rates = tails[cuts.astype(int) + 1]
    if confidence is None:
        assert rates.mean() <= 0.051
    else:
        assert (rates > 0.05).mean() < 0.12


def test_scores_are_log_odds_of_the_other_classes_rows():
    chances = np.array([[0.2, 0.8], [0.9, 0.1], [0.5, 0.5], [0.6, 0.4]])
    found = certify(np.log(chances), np.array([0, 0, 1, 0]), positive=1)
    np.testing.assert_allclose(found.scores, np.log([1 / 9, 2 / 3, 4]))
    assert found.counts.tolist() == [3, 0]


def test_a_stored_certificate_comes_back():
    found = certify(np.log([[0.2, 0.8], [0.9, 0.1]]), np.array([0, 0]), positive=1)
    back = Certificate.restore(found.arrays())
    np.testing.assert_array_equal(back.scores, found.scores)
    np.testing.assert_array_equal(back.counts, found.counts)
    assert {array.dtype.name for array in found.arrays().values()} == {
        "float64",
        "int64",
    }
