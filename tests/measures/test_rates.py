"""Shares and their intervals."""

import numpy as np
import pytest

from cbvae_cli.measures.rates import kept_range, rate


def test_the_interval_of_no_event_is_known_in_closed_form():
    found = rate(0, 50)
    assert found["share"] == 0
    assert found["interval"] == pytest.approx([0, 1 - 0.025 ** (1 / 50)])


def test_the_interval_holds_the_share():
    low, high = rate(7, 100)["interval"]
    assert low < 0.07 < high
    assert (low, high) == pytest.approx((0.0286, 0.1389), abs=1e-4)


def test_without_rows_nothing_is_known():
    assert rate(0, 0) == {"count": 0, "rows": 0, "share": None, "interval": None}
    assert kept_range(1, 99, 0) is None


def test_kept_promises_mostly_lie_in_their_range():
    rng = np.random.default_rng(0)
    low, high = kept_range(5, 499, 1000)
    assert low < 0.01 < high
    cuts = np.sort(rng.random((2000, 499)), axis=1)[:, -5]
    shares = rng.binomial(1000, 1 - cuts) / 1000
    assert np.mean((low <= shares) & (shares <= high)) == pytest.approx(0.95, abs=0.02)
