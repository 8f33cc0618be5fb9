"""How many rows to make: by balance, and by what helps."""

import numpy as np
import pytest

from cbvae_cli.answers import amount
from cbvae_cli.answers.amount import (
    STEPS,
    Search,
    _best,
    _Tried,
    blind_folds,
    full_amount,
    plain_folds,
)
from cbvae_cli.training.blind_rows import blind_rows

NO, YES = 0, 1


class Given:
    """Gives rows out of some; stands for a maker whose rows are known to be good."""

    def __init__(self, values):
        self.values = values
        self.asked = []

    def rows(self, place, n_rows, members=()):
        self.asked.append((place, n_rows, tuple(members)))
        return self.values[np.arange(n_rows) % len(self.values)]


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(amount, "STEPS", (0.1, 1.0))
    monkeypatch.setattr(amount, "DRAWS", 30)


@pytest.mark.parametrize(
    ("ratio", "wanted"),
    [
        (1.0, {0: 0, 1: 90, 2: 60}),
        (0.4, {0: 0, 1: 30, 2: 0}),
        (0.001, {0: 0, 1: 0, 2: 0}),
    ],
)
def test_balance_is_a_share_of_the_largest(ratio, wanted):
    assert full_amount(np.array([100, 10, 40]), [0, 1, 2], ratio) == wanted


def test_each_row_is_judged_once_and_by_who_did_not_see_it():
    labels = np.repeat([0, 1], [97, 11])
    for folds in (
        plain_folds(labels, 0),
        blind_folds([np.arange(0, 108, 2), np.arange(1, 108, 2)], 108),
    ):
        tested = np.sort(np.concatenate([fold.test for fold in folds]))
        assert tested.tolist() == list(range(108))
        assert not any(np.isin(fold.train, fold.test).any() for fold in folds)
    assert [fold.members for fold in folds] == [(0,), (1,)]
    small = [(labels[fold.test] == 1).sum() for fold in plain_folds(labels, 0)]
    assert max(small) - min(small) <= 1


def test_blind_rows_are_those_of_training(paid):
    known = paid.known
    found = blind_rows(paid.model, known.values, known.labels)
    assert len(found) == 2
    assert not np.intersect1d(*found).size
    share = [len(rows) / len(known.labels) for rows in found]
    assert share == pytest.approx([0.16, 0.16], abs=0.05)
    assert blind_rows(paid.model, known.values[1:], known.labels[1:]) is None


def thin(known):
    """Give a table with few frauds, and other frauds."""
    rng = np.random.default_rng(1)
    frauds = rng.permutation(np.flatnonzero(known.labels == YES))
    usual = rng.permutation(np.flatnonzero(known.labels == NO))[:600]
    rows = np.sort(np.concatenate([frauds[:15], usual]))
    return known.take(rows), known.values[frauds[15:]]


def test_good_rows_are_wanted_and_wrong_ones_are_not(paid):
    known, more = thin(paid.known)
    folds = plain_folds(known.labels, 0)
    wanted = {NO: 0, YES: len(more)}
    good = Given(more)
    told = []
    search = Search(lambda _: good, known, folds, seed=0, threads=1)
    found, tried = search.best(wanted, lambda done, total: told.append((done, total)))
    assert found[YES] > 0
    assert tried["chosen"] in (0.1, 1.0)
    assert told == [(1, 3), (2, 3)]
    assert all(place == YES for place, _, _ in good.asked)
    wrong = Given(known.values[known.labels == NO])
    search = Search(lambda _: wrong, known, folds, seed=0, threads=1)
    none, tried = search.best(wanted, lambda done, total: None)
    assert none == {NO: 0, YES: 0}
    assert tried["chosen"] == 0.0
    assert tried["tried"][2]["auprc_change"] < 0


def test_a_table_in_balance_needs_nothing(paid):
    known, _ = thin(paid.known)
    search = Search(Given, known, plain_folds(known.labels, 0), seed=0, threads=1)
    found, tried = search.best({NO: 0, YES: 0}, lambda done, total: None)
    assert found == {NO: 0, YES: 0}
    assert tried["chosen"] == 0.0


@pytest.mark.parametrize(
    ("changes", "picked"),
    [
        ([(0.01, 0.01, 0.02), (0.04, 0.02, 0.02)], 2),
        ([(0.01, 0.01, 0.02), (0.01, 0.01, 0.05)], 0),
        ([(-0.1, -0.1, 0.01), (0.02, 0.02, 0.01)], 2),
        ([(0.05, 0.05, 0.01), (0.02, 0.02, 0.01)], 1),
        ([(0.09, -0.01, 0.01), (0.02, 0.02, 0.01)], 2),
        ([(-0.001, 0.09, 0.01)], 0),
        ([], 0),
    ],
)
def test_neither_chance_nor_one_judge_is_enough(changes, picked):
    tried = [
        _Tried(float(share), {"booster": booster, "logistic": logistic}, error)
        for share, (booster, logistic, error) in enumerate([(0, 0, 0), *changes])
    ]
    assert _best(tried).share == picked


def test_the_steps_start_small_and_end_in_balance():
    assert list(STEPS) == sorted(STEPS)
    assert STEPS[-1] == 1.0
