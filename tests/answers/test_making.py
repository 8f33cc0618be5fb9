"""Rows that obey the table, block by block."""

from dataclasses import replace

import numpy as np
import pytest

from cbvae_cli.answers.drawing import Between, FromPosterior, FromPrior, encodings
from cbvae_cli.answers.making import BLOCK, Maker, follow
from cbvae_cli.answers.sieves import Copies, band_of, confirmed, ratio
from cbvae_cli.errors import DataProblem
from cbvae_cli.table.kind import NOVEL
from cbvae_cli.table.ties import Presence, Ratio, Sum

NO, YES = 0, 1


def maker(model, *, sieves=(), keep_gaps=False, seed=0):
    methods = dict.fromkeys((NO, YES), FromPrior(model.family))
    return Maker(model, methods, seed, keep_gaps=keep_gaps, sieves=sieves)


class Every:
    """Lets every so-manieth row through."""

    why = "it is not its turn"

    def __init__(self, share):
        self.rng = np.random.default_rng(0)
        self.share = share

    def keeps(self, place, values):
        return self.rng.random(len(values)) < self.share


def test_values_are_of_their_kinds(paid):
    values = maker(paid.model).rows(YES, 2000)
    for kind, cells, seen in zip(
        paid.model.schema.kinds, values.T, paid.table.values.T, strict=True
    ):
        assert not np.isnan(cells).any()
        assert np.nanmin(seen) <= cells.min()
        assert cells.max() <= np.nanmax(seen)
        if kind.name in ("count", "integer", "boolean", "categorical"):
            assert (cells == np.round(cells)).all()
        assert (cells != NOVEL).all() or kind.name != "categorical"


def test_blocks_are_the_rows(paid):
    own = maker(paid.model)
    rows = own.rows(NO, BLOCK + 10)
    blocks = [own.block(NO, 0, BLOCK), own.block(NO, 1, 10)]
    assert (np.concatenate(blocks) == rows).all()
    assert (own.block(NO, 1, BLOCK)[:10] == blocks[1]).all()
    assert (maker(paid.model, seed=1).rows(NO, 10) != rows[:10]).any()


def test_rows_held_back_are_drawn_again(paid):
    sieve = Every(0.2)
    own = maker(paid.model, sieves=[sieve])
    rows = own.rows(YES, 3000)
    assert len(rows) == 3000
    assert own.dropped[0] > 6000
    with pytest.raises(DataProblem, match="it is not its turn"):
        maker(paid.model, sieves=[Every(0.0)]).rows(YES, 1)


def test_a_member_alone_may_draw(paid):
    rows = [maker(paid.model).rows(NO, 50, (member,)) for member in (0, 1)]
    assert (rows[0] != rows[1]).any()
    both = encodings(paid.model, paid.table.values[:40], NO)
    assert both.mean.shape[:2] == (2, 40)
    rng = np.random.default_rng(0)
    for method in (
        FromPosterior(paid.model.family, both),
        Between(paid.model.family, both, both, 0.5),
    ):
        drawn = method(NO, 30, rng, (1,))
        assert drawn.shape == (30, paid.model.layout.width)
        assert np.isfinite(drawn).all()


def test_columns_that_follow_do(paid):
    names = [column.name for column in paid.model.schema.modelled]
    amount, age = names.index("amount"), names.index("account_age_days")
    ties = (Sum("amount", ("account_age_days",), (0.5,), 3.0),)
    model = replace(paid.model, schema=replace(paid.model.schema, ties=ties))
    rows = maker(model).rows(NO, 1000)
    assert rows[:, amount] == pytest.approx(rows[:, age] / 2 + 3)
    kind = model.schema.kinds[amount]
    assert kind.low <= rows[:, amount].min() <= rows[:, amount].max() <= kind.high


def test_what_cannot_follow_keeps_its_value(paid):
    ties = (Ratio("amount", ("account_age_days", "n_payments_24h")),)
    model = replace(paid.model, schema=replace(paid.model.schema, ties=ties))
    names = [column.name for column in model.schema.modelled]
    rows = paid.table.values[:200].copy()
    before = rows[:, names.index("amount")].copy()
    follow(model, rows)
    divisor = rows[:, names.index("n_payments_24h")]
    idle = ~np.isnan(divisor) & (divisor == 0)
    assert idle.any()
    assert np.array_equal(
        rows[idle, names.index("amount")], before[idle], equal_nan=True
    )


def test_a_flag_says_what_is_missing(paid):
    ties = (Presence("card_present", ("distance_km",), 1.0, 0.0),)
    model = replace(paid.model, schema=replace(paid.model.schema, ties=ties))
    names = [column.name for column in model.schema.modelled]
    for keep_gaps in (True, False):
        rows = maker(model, keep_gaps=keep_gaps).rows(NO, 500)
        missing = np.isnan(rows[:, names.index("distance_km")])
        flag = rows[:, names.index("card_present")]
        assert (flag[~np.isnan(flag)] == ~missing[~np.isnan(flag)]).all()
        assert missing.any() == keep_gaps


def test_copies_of_unique_rows_are_held_back_and_shared_rows_pass(paid):
    known = paid.known.take(np.array([0, 1, 2, 2, 3, 3]))
    keeps = Copies(known).keeps(NO, paid.table.values[:6])
    assert keeps.tolist() == [False, False, True, True, True, True]


def test_boundary_rows_lie_in_the_band_and_bear_their_name(paid):
    band = band_of(paid.model, [YES], 0)
    rows = maker(paid.model, sieves=[band]).rows(YES, 40)
    assert (np.abs(ratio(paid.model, YES, rows)) <= band.widths[YES]).all()
    assert confirmed(paid.model, YES, rows).all()
    usual = maker(paid.model).rows(YES, 400)
    sure = usual[confirmed(paid.model, YES, usual)]
    far = np.abs(ratio(paid.model, YES, sure))
    assert (far <= band.widths[YES]).mean() == pytest.approx(1 / 3, abs=0.1)
