"""How well odds tell classes apart, whatever their scale and offset."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cbvae_cli.training.apart import rescaled_log_loss


def rows(n_rows=400, n_classes=2, clear=1.5, seed=0):
    """Log p(class given row), with the truth a little likelier."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(
        n_classes, n_rows, p=[0.8] + [0.2 / (n_classes - 1)] * (n_classes - 1)
    )
    logits = rng.normal(size=(n_rows, n_classes))
    logits[np.arange(n_rows), labels] += clear
    return log_softmax(logits), labels


def log_softmax(logits):
    return logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)


@pytest.mark.parametrize("slope", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("offset", [-20.0, 0.0, 5.0])
def test_scale_and_offset_of_the_odds_do_not_count(slope, offset):
    log_p, labels = rows()
    moved = log_softmax(slope * log_p + [0.0, offset])
    assert rescaled_log_loss(moved, labels) == pytest.approx(
        rescaled_log_loss(log_p, labels), rel=1e-4
    )


@pytest.mark.parametrize("n_classes", [2, 4])
def test_it_falls_where_rows_are_sorted_better(n_classes):
    found = []
    for clear in (0.0, 1.0, 2.0, 4.0):
        log_p, labels = rows(n_classes=n_classes, clear=clear)
        auc = np.mean(
            [roc_auc_score(labels == c, log_p[:, c]) for c in range(n_classes)]
        )
        found.append((rescaled_log_loss(log_p, labels), auc))
    lost, auc = zip(*found, strict=True)
    assert list(lost) == sorted(lost, reverse=True)
    assert list(auc) == sorted(auc)
    assert lost[0] == pytest.approx(np.log(2), abs=0.02)


def test_odds_that_know_nothing_lose_ln_2():
    _, labels = rows()
    same = np.full((len(labels), 2), -np.log(2))
    assert rescaled_log_loss(same, labels) == pytest.approx(np.log(2))


def test_odds_the_wrong_way_round_do_not_pass_for_knowledge():
    log_p, labels = rows(clear=4.0)
    assert rescaled_log_loss(log_p[:, ::-1], labels) == pytest.approx(np.log(2))


@pytest.mark.parametrize("labels", [[], [0, 0, 0]])
def test_rows_of_one_class_say_nothing(labels):
    labels = np.array(labels, dtype=np.int64)
    assert np.isnan(rescaled_log_loss(np.zeros((len(labels), 2)), labels))
