"""What networks hold to be in cells, and draws moved to where cells are filled."""

from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.calibration.family_cells import Held, Moved
from cbvae_cli.families.cells import fit_cells
from cbvae_cli.table.count import Count
from cbvae_cli.table.number import Number
from cbvae_cli.table.scale import UNFITTED, fit_quantiles

N = 2_000


@pytest.fixture(scope="module")
def skewed():
    """A column of long tail, its cells, and draws as networks that know it give."""
    rng = np.random.default_rng(0)
    values = np.exp(rng.normal(0, 1.5, (N, 1)))
    number = Number(UNFITTED, 0.0, 0.0, None, False, "double")
    kinds = (number.fit(values[:, 0], fit_quantiles),)
    cells = fit_cells(kinds, values)
    drawn = np.exp(rng.normal(0, 1.5, (20, N, 1))).clip(kinds[0].low, kinds[0].high)
    units = (drawn - cells.centre) / cells.spread
    middle = np.full((N, 1), (1.0 - cells.centre) / cells.spread)
    return cells, Held(np.zeros((N, 1)), middle), units


def test_draws_that_nothing_moves_stay(skewed):
    cells, held, drawn = skewed
    moved = Moved.of(cells, held, held.expected).drawn(drawn, 1.0)
    np.testing.assert_allclose(moved, drawn, atol=2e-3)


@pytest.mark.parametrize("stretch", [1.0, 2.0])
@pytest.mark.parametrize("filled", [-0.1, 0.0, 0.5])
def test_moved_draws_of_a_long_tail_do_not_pile_up_at_its_end(skewed, filled, stretch):
    cells, held, drawn = skewed
    moved = Moved.of(cells, held, np.full((N, 1), filled)).drawn(drawn, stretch)
    (kind,) = cells.kinds
    flat = moved.reshape(-1, 1)
    settled = kind.settle(cells.part(flat)[0])
    # On the column's own scale half of them would.
    assert np.mean(settled == kind.low) < 0.1
    assert np.mean(settled == kind.high) < 0.1
    # More is filled, more is drawn.
    less = Moved.of(cells, held, np.full((N, 1), filled - 0.05)).drawn(drawn, stretch)
    assert np.median(less) < np.median(moved)


def test_truth_is_judged_from_the_middle_of_moved_draws(skewed):
    cells, held, drawn = skewed
    moved = Moved.of(cells, held, np.full((N, 1), 0.3))
    settled = moved.drawn(drawn, 1.0)
    np.testing.assert_allclose(moved.wrong(settled[0]), moved.away(drawn)[0], atol=1e-2)


def test_counts_scatter_like_counts():
    rng = np.random.default_rng(2)
    count = Count(0.0, 1.0, 0.0, 0.0, "int64").fit(
        rng.poisson(3.0, N).astype(float), fit_quantiles
    )
    rate = rng.uniform(0.0, 6.0, 20_000)
    mean = (np.log1p(rate) - count.centre) / count.spread
    noise = rng.standard_normal((20_000, 1))
    block = count.drawn(mean[:, None], np.zeros((20_000, 1)), noise)
    found = count.settle(count.expected(block, np.zeros_like(block))[:, :1])
    low = rate < 4
    assert found[low].mean() == pytest.approx(rate[low].mean(), rel=0.05)
    wrong = found[low] - rate[low]
    assert wrong.var() == pytest.approx(rate[low].mean(), rel=0.1)
    assert np.isfinite(count.drawn(mean[:, None], mean[:, None], noise * 50)).all()
