"""Whether rows help: good ones pass, wrong ones do not."""

from contextlib import nullcontext

import numpy as np
import pytest

from cbvae_cli.answers import gate as gating
from cbvae_cli.answers.gate import DO_NOT_USE, UNCLEAR, USE, Gate, advice_on, check_gate
from cbvae_cli.answers.known import Known
from cbvae_cli.answers.trial import auprc, recall_at
from cbvae_cli.errors import CheckFailed, DataProblem

NO, YES = 0, 1


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(gating, "REPEATS", 2)


def parts(known, n_frauds):
    """Give few frauds to train on, all others, and rows to judge by."""
    rng = np.random.default_rng(0)
    frauds = rng.permutation(np.flatnonzero(known.labels == YES))
    usual = rng.permutation(np.flatnonzero(known.labels == NO))
    half = len(frauds) // 2
    train = np.concatenate([frauds[:n_frauds], usual[:1500]])
    held = np.concatenate([frauds[half:], usual[1500:3000]])
    return known.take(train), known.take(held), known.values[frauds[n_frauds:half]]


def test_real_rows_help_and_rows_of_another_class_do_not(paid):
    train, held, more = parts(paid.known, 8)
    gate = Gate(train, held, [YES], seed=0, threads=1)
    good = gate.judge({YES: more})
    assert (good["verdict"], good["advice"]) == ("helpful", USE)
    assert good["auprc_change"] > 0.02
    wrong = train.values[train.labels == NO][:300]
    bad = gate.judge({YES: wrong})
    assert (bad["verdict"], bad["advice"]) == ("harmful", DO_NOT_USE)
    assert bad["auprc_change"] < -0.02
    assert bad["judges"]["booster"]["recall_change"] < 0


@pytest.mark.parametrize(
    ("change", "spread", "advice"),
    [
        (0.02, 0.01, USE),
        (0.02, 0.03, UNCLEAR),
        (0.01, 0.01, UNCLEAR),
        (0.0, 0.0, UNCLEAR),
        (-0.01, 0.01, UNCLEAR),
        (-0.02, 0.01, DO_NOT_USE),
    ],
)
def test_a_change_within_its_own_spread_is_no_clear_effect(change, spread, advice):
    assert advice_on(change, spread) == advice
    passes = nullcontext() if advice == USE else pytest.raises(CheckFailed)
    with passes as caught:
        check_gate(advice, "held.csv")
    if caught is not None:
        assert advice in str(caught.value.what)


def test_the_same_seed_judges_alike(paid):
    train, held, more = parts(paid.known, 8)
    first, again = (
        Gate(train, held, [YES], seed=3, threads=1).judge({YES: more}) for _ in range(2)
    )
    assert first == again


def test_a_table_without_the_class_is_refused(paid):
    train, held, _ = parts(paid.known, 8)
    usual = held.take(np.flatnonzero(held.labels == NO))
    with pytest.raises(DataProblem, match="cannot tell whether rows of 'yes' help"):
        Gate(train, usual, [YES], seed=0, threads=1)


def test_recall_is_taken_at_the_precision_there_was():
    truth = np.array([1, 1, 0, 1, 0, 0], dtype=bool)
    sure = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    precision, recall = recall_at(sure, truth, None)
    assert (precision, recall) == (0.75, 1.0)
    assert recall_at(sure, truth, 1.0) == (1.0, pytest.approx(2 / 3))
    assert recall_at(-sure, truth, 0.9) == (0.9, 0.0)


def test_a_class_without_rows_does_not_count(paid):
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    labels = np.array([0, 1, 0])
    assert auprc(chances, labels, [0, 1, 2]) == 1.0


def test_known_rows_count_by_class(paid):
    known: Known = paid.known
    assert known.counts.sum() == len(known.labels)
    assert len(known.of_class(YES)) == known.counts[YES]
    none = known.take(np.flatnonzero(known.labels == NO))
    with pytest.raises(DataProblem, match="no row of class 'yes'"):
        none.of_class(YES)
