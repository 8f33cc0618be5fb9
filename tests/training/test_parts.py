"""Which rows train which member, stop it, calibrate it, certify."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cbvae_cli.training.parts import (
    CERTIFIED,
    FOLDS,
    HELD,
    LEAST_CERTIFIED,
    LEAST_ROWS,
    MOST_CERTIFIED,
    SEEN,
    Parts,
    Shares,
    row_keys,
    split,
    united,
)

FIVE = Shares(members=5, stop=0.1, held=0.0, certified=0.2)
TWO = Shares(members=2, stop=0.1, held=0.0, certified=0.2)
ONE = Shares(members=1, stop=0.1, held=0.0, certified=0.2)
HELD_BACK = Shares(members=3, stop=0.1, held=0.2, certified=0.2)
PLAIN = Shares(members=5, stop=0.1, held=0.0, certified=0.0)
EVERY = {"five": FIVE, "two": TWO, "one": ONE, "held": HELD_BACK, "plain": PLAIN}
POSITIVE = 2


def rows(n_rows=1000, n_different=None, seed=0):
    """Three classes, some cells missing; `n_different` rows many times over."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_different or n_rows, 4))
    values[:, 1:][rng.random((len(values), 3)) < 0.2] = np.nan
    if n_different:
        values = values[rng.integers(0, n_different, n_rows)]
    return values, rng.choice(3, n_rows, p=[0.7, 0.25, 0.05])


def shared_out(values, labels, shares=FIVE, seed=0, *, groups=None, held=None):
    units = united(row_keys(values, seed), groups)
    positive = min(POSITIVE, int(labels.max()))
    return split(units, labels, positive, shares, seed, held=held)


def trains(parts, member):
    chosen = np.zeros(len(parts.fold), dtype=bool)
    chosen[parts.trains(member, np.arange(len(parts.fold)))] = True
    return chosen


def whole(of_row, by):
    """Tell whether rows of one number in `by` all have one value."""
    pairs = np.unique(np.stack([by, of_row.astype(np.int64)]), axis=1)
    return len(np.unique(pairs[0])) == pairs.shape[1]


def same(one: Parts, other: Parts):
    np.testing.assert_array_equal(one.fold, other.fold)
    np.testing.assert_array_equal(one.stops, other.stops)
    np.testing.assert_array_equal(one.turn, other.turn)


def lawful(parts, units, labels, shares):
    """Check what holds of any table."""
    n_rows = len(labels)
    assert parts.n_members == shares.members
    assert whole(parts.fold, units), "a unit stands in two parts"
    certified = parts.fold == CERTIFIED
    judged = (parts.fold >= 0) | (parts.fold == HELD)
    every = np.arange(n_rows)
    blind = [parts.blind(member, every) for member in range(shares.members)]
    np.testing.assert_array_equal(
        np.sort(np.concatenate(blind)), np.flatnonzero(judged)
    )
    np.testing.assert_array_equal(parts.certified(every), np.flatnonzero(certified))
    np.testing.assert_array_equal(
        parts.spare(every), np.flatnonzero(parts.fold == SEEN)
    )
    for member in range(shares.members):
        learns = trains(parts, member)
        stops = parts.stops[member]
        assert not (learns & stops).any()
        mine = np.zeros(n_rows, dtype=bool)
        mine[blind[member]] = True
        for what in (learns, stops):
            assert not (what & mine).any(), "a member saw the fold it is blind to"
            assert not (what & certified).any(), "a certified row was seen"
            assert not (what & (parts.fold == HELD)).any(), "a held row was seen"
        rest = (parts.fold == SEEN) | ((parts.fold >= 0) & (parts.fold != member))
        np.testing.assert_array_equal(learns | stops, rest)
        np.testing.assert_array_equal(parts.stop(member, every), np.flatnonzero(stops))
        taught = np.bincount(labels[learns], minlength=labels.max() + 1)
        assert (taught[np.unique(labels)] > 0).all(), (
            "a class has nothing to learn from"
        )
        for place in np.unique(labels):
            own = labels == place
            assert whole(stops[own & rest], units[own & rest])
    if judged.any():
        assert set(parts.turn[judged].tolist()) <= set(range(FOLDS))
        assert whole(parts.turn[judged], units[judged])


@pytest.mark.parametrize("shares", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("n_different", [None, 2, 7, 40, 300])
def test_every_row_has_its_parts_and_nobody_sees_twice(shares, n_different):
    values, labels = rows(800, n_different)
    parts = shared_out(values, labels, shares)
    lawful(parts, united(row_keys(values, 0), None), labels, shares)


TABLES = st.integers(1, 120).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 30), min_size=n, max_size=n),
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
        st.lists(st.integers(0, 40), min_size=n, max_size=n),
        st.lists(st.booleans(), min_size=n, max_size=n),
    )
)


@given(
    TABLES,
    st.sampled_from(list(EVERY.values())),
    st.booleans(),
    st.booleans(),
    st.integers(0, 5),
)
# A class whose rows are all equal, and equal to those of another.
@example(([0] * 20 + [1] * 20, [0] * 20 + [1] * 10 + [0] * 10, [0] * 40, [False] * 40),
         FIVE, False, False, 0)  # fmt: skip
@settings(max_examples=200, deadline=None, derandomize=True)
def test_the_laws_hold_of_any_table(table, shares, grouped, chosen, seed):
    numbers, labels, groups, held = map(np.array, table)
    groups = groups if grouped else None
    keys = row_keys(numbers[:, None].astype(float), seed)
    units = united(keys, groups)
    parts = split(
        units, labels, int(labels[0]), shares, seed, held=held if chosen else None
    )
    lawful(parts, units, labels, shares)
    if groups is not None:
        assert whole(parts.fold, groups)
    counts = np.bincount(labels)
    tiny = np.isin(labels, np.flatnonzero(counts < LEAST_ROWS))
    if not chosen:
        assert (parts.fold[tiny] == SEEN).all()


def test_each_class_gives_its_shares():
    values, labels = rows(4000)
    parts = shared_out(values, labels)
    for place in range(3):
        own = parts.fold[labels == place]
        near = 1.01 / len(own)
        certified = np.mean(own == CERTIFIED)
        assert abs(certified - (0 if place == POSITIVE else 0.2)) <= near
        for member in range(5):
            share = np.mean(own == member)
            assert abs(share - (1 - certified) / FOLDS) <= 2 * near


@pytest.mark.parametrize("shares", EVERY.values(), ids=EVERY)
def test_a_tenth_of_a_members_own_rows_stops_it_in_each_class(shares):
    values, labels = rows(4000)
    parts = shared_out(values, labels, shares)
    for member in range(shares.members):
        learns, stops = trains(parts, member), parts.stops[member]
        for place in range(3):
            own = labels == place
            share = stops[own].sum() / (stops | learns)[own].sum()
            assert share == pytest.approx(0.1, abs=0.01)


def test_one_member_is_blind_to_a_fifth_and_two_to_a_fifth_each():
    values, labels = rows(4000)
    for shares in (ONE, TWO):
        fold = shared_out(values, labels, shares).fold
        left = fold[fold != CERTIFIED]
        for member in range(shares.members):
            assert np.mean(left == member) == pytest.approx(0.2, abs=0.01)
        seen = 1 - 0.2 * shares.members
        assert np.mean(left == SEEN) == pytest.approx(seen, abs=0.01)


def test_rows_held_back_calibrate_and_all_members_share_them():
    values, labels = rows(4000)
    parts = shared_out(values, labels, HELD_BACK)
    assert not (parts.fold >= 0).any()
    held = parts.fold == HELD
    assert held.mean() == pytest.approx(0.2 * (1 - np.mean(parts.fold == CERTIFIED)),
                                        abs=0.01)  # fmt: skip
    every = np.arange(len(labels))
    sizes = [len(parts.blind(member, every)) for member in range(3)]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("shares", [ONE, TWO, HELD_BACK])
def test_judged_rows_take_turns_of_about_the_same_size(shares):
    values, labels = rows(4000)
    parts = shared_out(values, labels, shares)
    judged = (parts.fold >= 0) | (parts.fold == HELD)
    for place in range(3):
        turns = np.bincount(parts.turn[judged & (labels == place)], minlength=FOLDS)
        assert turns.max() - turns.min() <= 1


def test_with_five_members_the_turn_is_the_fold():
    parts = shared_out(*rows())
    judged = parts.fold >= 0
    np.testing.assert_array_equal(parts.turn[judged], parts.fold[judged])


@pytest.mark.parametrize("n_groups", [12, 60])
def test_rows_of_a_group_stay_together_in_all_classes(n_groups):
    values, labels = rows(600)
    groups = np.random.default_rng(1).integers(0, n_groups, 600)
    parts = shared_out(values, labels, groups=groups)
    assert whole(parts.fold, groups)
    assert len(np.unique(parts.fold)) > 3
    split_up = [len(np.unique(labels[groups == one])) for one in range(n_groups)]
    assert max(split_up) > 1  # or the law would be that of classes


def test_groups_that_share_an_equal_row_are_one():
    values = np.array([[1.0], [2.0], [2.0], [3.0], [4.0]])
    units = united(row_keys(values, 0), np.array([0, 0, 1, 1, 2]))
    assert len(set(units[:4].tolist())) == 1
    assert units[4] != units[0]


@pytest.mark.parametrize("n_rows", [2, 127, 128, 255, 256, 257, 512])
def test_equal_rows_of_a_group_are_one_however_many(n_rows):
    # Counted in few bits, an edge of the graph would be nought again.
    values = np.concatenate([np.ones((n_rows, 1)), [[7.0]]])
    units = united(row_keys(values, 0), np.array([0] * n_rows + [0]))
    assert len(np.unique(units)) == 1


def test_without_groups_only_equal_rows_are_one():
    values = np.array([[1.0], [2.0], [1.0]])
    units = united(row_keys(values, 0), None)
    assert units[0] == units[2] != units[1]


def test_minus_nought_and_every_nan_count_as_equal():
    other_nan = np.uint64(0x7FF8000000000001).view(np.float64)
    values = np.array([[0.0, np.nan], [-0.0, np.float64(other_nan)], [0.0, 1.0]])
    keys = row_keys(values, 0)
    assert keys[0] == keys[1] != keys[2]


def test_columns_are_not_interchangeable():
    keys = row_keys(np.array([[1.0, 2.0], [2.0, 1.0]]), 0)
    assert keys[0] != keys[1]


@given(
    st.permutations(range(60)),
    st.integers(0, 5),
    st.sampled_from([FIVE, TWO, ONE, PLAIN]),
    st.booleans(),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_order_of_rows_does_not_matter(order, seed, shares, grouped):
    values, labels = rows(60, n_different=30)
    groups = np.random.default_rng(2).integers(0, 25, 60) if grouped else None
    found = shared_out(values, labels, shares, seed, groups=groups)
    shuffled = shared_out(
        values[order],
        labels[order],
        shares,
        seed,
        groups=groups[order] if grouped else None,
    )
    same(shuffled, Parts(found.fold[order], found.stops[:, order], found.turn[order]))


@pytest.mark.parametrize("shares", EVERY.values(), ids=EVERY)
def test_the_same_seed_shares_out_alike_and_another_does_not(shares):
    values, labels = rows()
    one, other = (shared_out(values, labels, shares, 3) for _ in range(2))
    same(one, other)
    assert not np.array_equal(one.fold, shared_out(values, labels, shares, 4).fold)


@pytest.mark.parametrize("shares", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("n_rows", [1, 2, LEAST_ROWS - 1])
def test_a_tiny_class_trains_all_members_with_all_its_rows(n_rows, shares):
    values, _ = rows(100 + n_rows)
    labels = np.repeat([0, 1], [100, n_rows])
    parts = shared_out(values, labels, shares)
    tiny = np.flatnonzero(labels == 1)
    assert (parts.fold[tiny] == SEEN).all()
    assert not parts.stops[:, tiny].any()
    for member in range(shares.members):
        np.testing.assert_array_equal(parts.trains(member, tiny), tiny)


def test_a_class_of_least_rows_is_judged():
    values, _ = rows(100 + LEAST_ROWS)
    labels = np.repeat([0, 1], [100, LEAST_ROWS])
    assert (shared_out(values, labels).fold[labels == 1] >= 0).all()


def test_rows_of_large_classes_follow_equal_ones_of_a_tiny_class():
    values = np.concatenate([np.arange(100.0), np.arange(5.0)])[:, None]
    labels = np.repeat([0, 1], [100, 5])
    parts = shared_out(values, labels)
    assert (parts.fold[:5] == SEEN).all()
    assert (parts.fold[5:100] != SEEN).all()


@pytest.mark.parametrize("shares", EVERY.values(), ids=EVERY)
def test_a_class_of_one_row_many_times_over_trains_with_all_of_them(shares):
    labels = np.zeros(50, dtype=int)
    parts = shared_out(np.ones((50, 4)), labels, shares)
    assert (parts.fold == SEEN).all()
    assert not parts.stops.any()


def test_rows_equal_to_those_of_such_a_class_train_too():
    # The row of class 1, many times over, is one of class 0 as well.
    values = np.concatenate([np.arange(200.0), np.full(30, 77.0)])[:, None]
    labels = np.repeat([0, 1], [200, 30])
    for seed in range(10):
        parts = shared_out(values, labels, PLAIN, seed)
        assert (parts.fold[values[:, 0] == 77] == SEEN).all()


@pytest.mark.parametrize("shares", [FIVE, TWO, ONE])
def test_rows_chosen_beforehand_calibrate_and_no_others(shares):
    values, labels = rows(1000)
    held = np.arange(1000) >= 800
    parts = shared_out(values, labels, shares, held=held)
    np.testing.assert_array_equal(parts.fold == HELD, held)
    assert not (parts.fold >= 0).any()
    assert set(parts.turn[held].tolist()) == set(range(FOLDS))
    certified = parts.fold == CERTIFIED
    assert 0.15 < certified[~held & (labels != POSITIVE)].mean() < 0.25
    assert not certified[labels == POSITIVE].any()


def test_training_rows_equal_to_chosen_ones_or_of_their_groups_are_held_too():
    values, labels = rows(400)
    values[1] = values[399]
    groups = np.arange(400)
    groups[2] = groups[398]
    held = np.arange(400) >= 390
    fold = shared_out(values, labels, groups=groups, held=held).fold
    assert (fold[[1, 2]] == HELD).all()
    assert (fold == HELD).sum() == 12


def test_a_class_of_which_all_rows_were_chosen_trains_all_the_same():
    labels = np.repeat([0, 1], [100, 30])
    held = np.arange(130) >= 90
    parts = shared_out(rows(130)[0], labels, held=held)
    assert (parts.fold[labels == 1] == SEEN).all()
    assert (parts.fold[90:100] == HELD).all()


def test_chosen_rows_train_last_where_a_class_lacks_rows():
    # All training rows of class 1 equal one that was chosen.
    values = np.concatenate([np.arange(100.0), np.full(20, -1.0), [-1.0, -2.0]])
    labels = np.repeat([0, 1], [100, 22])
    held = np.arange(122) >= 120
    fold = shared_out(values[:, None], labels, held=held).fold
    assert (fold[100:121] == SEEN).all()
    assert fold[121] == HELD


def test_a_table_too_small_to_promise_anything_certifies_nothing():
    values, _ = rows(LEAST_CERTIFIED * 5 + 20)
    for n_others, some in (
        (LEAST_CERTIFIED * 5 - 5, False),
        (LEAST_CERTIFIED * 5, True),
    ):
        labels = np.repeat([0, 1], [n_others, 20])
        fold = shared_out(values[: len(labels)], labels).fold
        assert (fold == CERTIFIED).any() == some


def test_large_tables_certify_no_more_than_is_of_use():
    labels = np.repeat([0, 1], [150_000, 300])
    fold = shared_out(np.arange(150_300.0)[:, None], labels).fold
    n_certified = int((fold == CERTIFIED).sum())
    assert abs(n_certified - MOST_CERTIFIED) <= 1


def test_one_class_is_shared_out_without_certified_rows():
    parts = shared_out(rows(300)[0], np.zeros(300, dtype=int))
    assert set(parts.fold.tolist()) == set(range(5))
