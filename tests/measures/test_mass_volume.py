"""Excess mass and mass volume of distributions whose curves are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbvae_cli.measures.mass_volume import MASSES, Levels, em_mv

HALF = 5.0  # half a side of the box around the normal distribution


def even(n=20_000):
    """Rows that fill the box, scored along one side of it."""
    rows = (np.arange(n) + 0.5) / n
    return Levels(rows, rows)


def normal(n=200_000):
    """Rows of N(0, I) in the plane, scored by the square of the radius."""
    inside = -2 * np.log(1 - (np.arange(n) + 0.5) / n)  # its quantiles
    side = (np.arange(700) + 0.5) / 700 * 2 * HALF - HALF
    return Levels(inside, np.add.outer(side**2, side**2).ravel())


def test_a_score_along_an_even_box_has_the_curves_of_the_diagonal():
    t = np.array([0.0, 0.25, 1.0, 2.0])
    assert even().volume_of(MASSES) == pytest.approx(MASSES, abs=1e-4)
    assert even().excess(t) == pytest.approx([1.0, 0.75, 0.0, 0.0], abs=1e-4)
    assert even().steepest() == pytest.approx(0.1, abs=1e-4)
    found = em_mv({"even": even()})["even"]
    assert found["em"] == pytest.approx(0.1 - 0.1**2 / 2, abs=1e-4)
    assert found["mv"] == pytest.approx((0.999**2 - 0.9**2) / 2, abs=1e-4)


def test_the_radius_of_a_normal_distribution_has_its_known_curves():
    box = (2 * HALF) ** 2
    volume = -2 * np.pi * np.log(1 - MASSES) / box
    assert normal().volume_of(MASSES) == pytest.approx(volume, rel=0.01)
    t = np.array([0.5, 2.0, 6.0])
    c = 2 * np.pi * t / box  # the mass outside of the best level
    assert normal().excess(t) == pytest.approx(1 - c + c * np.log(c), rel=3e-3)
    found = em_mv({"radius": normal()})["radius"]
    assert found["mv"] == pytest.approx(np.trapezoid(volume, MASSES), rel=0.01)
    ends = np.linspace(1e-9, normal().steepest(), 5001)
    curve = 1 - (c := 2 * np.pi * ends / box) + c * np.log(c)
    assert curve[-1] == pytest.approx(0.9, abs=1e-3)
    assert found["em"] == pytest.approx(np.trapezoid(curve, ends), rel=0.01)


def test_the_better_scorer_has_more_excess_mass_and_less_volume():
    rng = np.random.default_rng(0)
    rows, around = rng.normal(size=(4_000, 2)), rng.uniform(-5, 5, (10_000, 2))
    true, aside = (
        Levels(((rows - at) ** 2).sum(axis=1), ((around - at) ** 2).sum(axis=1))
        for at in (0.0, 1.5)
    )
    found = em_mv({"true": true, "aside": aside})
    assert found["true"]["em"] > found["aside"]["em"]
    assert found["true"]["mv"] < found["aside"]["mv"]


def test_all_scorers_share_the_widest_range_of_t():
    alone = em_mv({"even": even()})["even"]["em"]
    beside = em_mv({"even": even(), "radius": normal()})["even"]["em"]
    assert normal().steepest() > even().steepest()
    assert beside > alone


@given(st.integers(0, 2**31), st.integers(1, 200))
def test_only_the_order_of_scores_counts(seed, n_rows):
    rng = np.random.default_rng(seed)
    inside, around = rng.normal(size=n_rows), rng.normal(size=300)
    one = em_mv({"s": Levels(inside, around)})["s"]
    other = em_mv({"s": Levels(np.exp(inside) - 7, np.exp(around) - 7)})["s"]
    assert one == pytest.approx(other, abs=1e-12)
    assert one["em"] >= 0
    assert 0 < one["mv"] <= 0.099


def test_equal_scores_hold_the_whole_box():
    flat = Levels(np.zeros(100), np.zeros(50))
    assert flat.volume_of(np.array([0.9])).tolist() == [1.0]
    assert flat.steepest() == pytest.approx(0.1)
