"""Contestants on one split: figures, failures, and the rule of ours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from cbvae_cli.errors import DataProblem
from cbvae_cli.peers.classifiers import classifier
from cbvae_cli.peers.features import CannotRun
from cbvae_cli.records import Columns
from cbvae_cli.table.scale import fit_standard
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.compare import Own, Peer, compare
from cbvae_cli.training.halves import split_of
from cbvae_cli.training.presets import PRESETS
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for


@dataclass(frozen=True)
class Shares:
    """Says the shares of the classes; fails on some seeds."""

    fails: tuple[int, ...] = ()
    name: str = "shares"
    own: bool = False

    def answer(self, split):
        if split.seed in self.fails:
            raise CannotRun("shares has a bad day")
        counts = np.array(split.schema.label.counts, dtype=float)
        return np.tile(counts / counts.sum(), (len(split.test), 1))


@pytest.fixture(scope="module")
def table(request):
    """Give the defects table: three classes, gaps and names."""
    path = request.config.rootpath / "sample_data" / "defects.csv"
    with open_source(str(path), ReadOptions(), reread=True) as source:
        schema, _ = find_schema(source, Columns("outcome", exclude=("part",)))
        return read_table(source, schema, fit_standard, thinning_for(schema, None))


def quiet(done, who):
    """Nobody watches."""


def test_shares_score_as_chance_and_the_better_one_stands_first(table):
    seen = []
    found = compare(
        table,
        [Shares(), Peer(classifier("histgb", 1))],
        [0, 1],
        lambda done, who: seen.append((done, who)),
    )
    assert [outcome.name for outcome in found] == ["histgb", "shares"]
    assert found[1].mean("auroc") == pytest.approx(0.5)
    assert found[1].mean("auprc") == pytest.approx(1 / 3, abs=1e-3)
    assert found[0].spread("log_loss") > 0
    assert [run["seed"] for run in found[0].runs] == [0, 1]
    assert seen == [(0, "shares"), (1, "histgb"), (2, "shares"), (3, "histgb"), (4, "")]


def test_one_seed_without_an_answer_leaves_no_figures_but_a_reason(table):
    [outcome] = compare(table, [Shares(fails=(1,))], [0, 1, 2], quiet)
    assert outcome.runs == []
    assert outcome.why == "shares has a bad day"
    assert np.isnan(outcome.mean("auprc"))


def test_figures_are_those_of_scikit_learn(table):
    peer = Peer(classifier("logistic", 1))
    [outcome] = compare(table, [peer], [3], quiet)
    split = split_of(table, 3)
    found = peer.answer(split)
    pairs = [(split.test_labels == at, found[:, at]) for at in range(3)]
    [run] = outcome.runs
    assert run["auprc"] == pytest.approx(
        np.mean([average_precision_score(*p) for p in pairs])
    )
    assert run["auroc"] == pytest.approx(np.mean([roc_auc_score(*p) for p in pairs]))
    assert run["log_loss"] == pytest.approx(log_loss(split.test_labels, found))


@pytest.mark.parametrize("preset", ["default", "paper"])
@pytest.mark.parametrize("family", ["cbvae", "vae"])
def test_ours_train_on_the_same_split_and_answer_twice_alike(table, family, preset):
    settings = replace(
        PRESETS[preset], model=family, steps=10, hidden=(16,), members=1, joint_steps=5
    )
    own = Own(settings, torch.device("cpu"))
    assert own.name == f"{family} {preset}"
    split = split_of(table, 0)
    found = own.answer(split)
    assert found.shape == (len(split.test), 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-9)
    np.testing.assert_array_equal(found, own.answer(split))


def test_one_class_is_refused(table):
    label = replace(
        table.schema.label, classes=("sound",), counts=(9,), positive="sound"
    )
    alone = replace(table, schema=replace(table.schema, label=label))
    with pytest.raises(DataProblem, match="one class"):
        compare(alone, [Shares()], [0], quiet)
