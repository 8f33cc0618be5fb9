"""What blind rows say of scores, probabilities and how good they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cbvae_cli.calibration.posterior import NAMES
from cbvae_cli.calibration.strangeness import ALONE, METHODS
from cbvae_cli.evidence import evidence, take
from cbvae_cli.records import Settings
from cbvae_cli.training import blind as blinding
from cbvae_cli.training.blind import blind_evidence, further_rows, judged_rows
from cbvae_cli.training.fit import fit
from cbvae_cli.training.parts import NO_TURN
from cbvae_cli.training.start import prepare

CPU = torch.device("cpu")
LESSONS = Settings(
    latent=2,
    hidden=(16,),
    steps=150,
    joint_steps=40,
    filler_steps=20,
    batch=64,
    members=2,
)


def learn(table, settings=LESSONS):
    return fit(
        table,
        settings,
        device=CPU,
        observe=lambda _: None,
        run_folder=None,
        resume=False,
    )


@pytest.fixture
def easy(make_table):
    return make_table(600, 200)


def scored(model, values, method):
    part, sign = METHODS[method]
    encoded = model.layout.encode(values)
    found = sign * model.evidence(encoded, (part,))[..., 0]
    judges, share = model.judges[method], encoded.observed.mean(axis=1)
    standard = judges.standardise(found, share)
    return judges.score(standard)[0], judges.p_values(standard, share)


def test_p_values_of_new_rows_are_uniform_and_empty_rows_are_usual(easy, make_table):
    model = learn(easy)
    fresh = make_table(900, 300, seed=8).values
    empty = np.full((3, 2), np.nan)
    wild = np.array([[500.0, 0.0], [-500.0, 1.0]])
    for method in METHODS:
        scores, p = scored(model, np.concatenate([fresh, empty, wild]), method)
        usual, nothing, strange = np.split(p, [1200, 1203])
        even = np.arange(1, 1201) / 1200
        # Loose: a third of the table judged it.
        assert np.abs(np.sort(usual) - even).max() < 0.12
        assert nothing.tolist() == [1.0, 1.0, 1.0]
        assert (strange < 0.05).all()
        assert (scores[-2:] > np.quantile(scores[:1200], 0.9)).all()


def test_blind_rows_of_each_class_are_kept_as_ranks(easy):
    model = learn(easy)
    judged = model.training["parts"]["calibrate"]
    for method, judges in model.judges.items():
        members = 1 if method in ALONE else 2
        every = (*judges.by_class, judges)
        assert all(len(each.ranks.by_member) == members for each in every)
        found = [each.ranks.n_rows for each in judges.by_class]
        assert judges.ranks.n_rows == sum(found)
        if method in ALONE:  # by the rows that the first member is blind to
            assert found == pytest.approx(np.array(judged) / 2, rel=0.15)
        else:
            assert found == judged


def test_tiny_classes_do_not_judge(make_table):
    model = learn(make_table(300, 100, 5))
    for judges in model.judges.values():
        assert judges.judging == [0, 1]
        assert judges.judged
    assert model.posterior.judged.tolist() == [0, 1]
    assert model.thresholds[2] == 0.5


def test_where_all_classes_are_tiny_nothing_is_known(make_table):
    model = learn(make_table(6, 4))
    assert not any(judges.judged for judges in model.judges.values())
    assert model.training["held_out"] == {}
    assert np.isfinite(model.log_probabilities(np.zeros((2, 2)), "posterior")).all()


def test_every_rule_and_part_is_measured_on_blind_rows(easy):
    model = learn(easy)
    held_out, parts = model.training["held_out"], model.training["posterior"]
    assert set(held_out) == {"posterior", "likelihood", "probability", "error"}
    assert set(parts) == set(NAMES)
    for name, weight in zip(NAMES, model.posterior.weights, strict=True):
        assert parts[name]["weight"] == weight
        assert 0.5 < parts[name]["auprc"]["macro"] <= 1.0
    for name in ("posterior", "likelihood"):
        assert held_out[name]["auprc"]["macro"] > 0.9
        assert held_out[name]["rows"] == held_out["posterior"]["rows"]


def test_what_is_measured_is_kept_on_new_rows(easy, make_table):
    from cbvae_cli.measures.ranking import ranking

    model = learn(easy)
    fresh = make_table(600, 200, seed=4)
    for rule in ("posterior", "likelihood"):
        p = np.exp(model.log_probabilities(fresh.values, rule))
        found = ranking(p, fresh.labels, model.classes)
        promised = model.training["held_out"][rule]
        assert found["log_loss"] == pytest.approx(promised["log_loss"], abs=0.08)


def test_each_row_is_asked_of_the_member_that_is_blind_to_it(easy):
    start = prepare(easy, LESSONS, CPU)
    start.family.nets.eval().requires_grad_(False)
    judged = judged_rows(start.known, 0)
    fold = start.known.parts.fold[judged.rows]
    np.testing.assert_array_equal(judged.member, fold)
    assert len(np.unique(judged.rows)) == len(judged.rows)
    some = take(start.known.encoded, judged.rows)
    parts = ("error", "iw")
    found = blind_evidence(start.family, some, judged.member, parts, 800)
    every = evidence(start.family, some, parts, 800)
    rows = np.arange(len(judged.rows))
    # Bits may differ: the members' products have other shapes together.
    np.testing.assert_allclose(found, every[rows, judged.member], rtol=1e-4, atol=1e-4)
    assert not np.allclose(found, every[rows, 1 - judged.member], rtol=1e-4, atol=1e-4)


def test_judged_rows_stand_for_the_whole_table(easy):
    known = prepare(easy, LESSONS, CPU).known
    judged = judged_rows(known, 0)
    assert judged.weights.mean() == pytest.approx(1.0)
    sums = np.bincount(known.labels[judged.rows], judged.weights)
    np.testing.assert_allclose(sums / sums.sum(), known.shares)


def test_weights_of_judged_rows_follow_those_given(easy):
    weights = np.random.default_rng(0).gamma(2.0, size=800)
    known = prepare(replace(easy, weights=weights), LESSONS, CPU).known
    judged = judged_rows(known, 0)
    for place in range(2):
        own = known.labels[judged.rows] == place
        ratio = judged.weights[own] / weights[judged.rows[own]]
        np.testing.assert_allclose(ratio, ratio[0])
    sums = np.bincount(known.labels[judged.rows], judged.weights)
    np.testing.assert_allclose(sums / sums.sum(), known.shares)


def test_of_very_many_blind_rows_some_are_judged_evenly_over_members(easy, monkeypatch):
    known = prepare(easy, LESSONS, CPU).known
    monkeypatch.setattr(blinding, "MOST_SCORES", 60)
    judged = judged_rows(known, 0)
    picked = np.stack([known.labels[judged.rows], judged.member])
    pairs, counts = np.unique(picked, axis=1, return_counts=True)
    assert pairs.shape == (2, 4)
    assert counts.tolist() == [30] * 4
    again = judged_rows(known, 0)
    np.testing.assert_array_equal(again.rows, judged.rows)
    assert not np.array_equal(judged_rows(known, 1).rows, judged.rows)


def test_certified_rows_judge_nothing(easy):
    known = prepare(easy, LESSONS, CPU).known
    certified = known.parts.certified(np.arange(800))
    assert len(certified)
    judged = judged_rows(known, 0)
    assert not np.intersect1d(judged.rows, certified).size
    assert not np.intersect1d(known.parts.spare(np.arange(800)), certified).size


@pytest.mark.parametrize("members", [1, 2, 5])
def test_rows_that_nobody_judges_or_certifies_teach_further(easy, monkeypatch, members):
    weights = np.random.default_rng(0).gamma(2.0, size=800)
    settings = replace(LESSONS, members=members)
    known = prepare(replace(easy, weights=weights), settings, CPU).known
    monkeypatch.setattr(blinding, "MOST_SCORES", 60)
    judged, every = judged_rows(known, 0), np.arange(800)
    further = further_rows(known, judged, 0)
    left = np.setdiff1d(every, [*judged.rows, *known.parts.certified(every)])
    assert sorted(further.rows) == left.tolist()
    spare = np.isin(further.rows, known.parts.spare(every))
    np.testing.assert_array_equal(
        further.turn, np.where(spare, NO_TURN, known.parts.turn[further.rows])
    )
    ratio = [
        (rows.weights / weights[rows.rows])[known.labels[rows.rows] == 1]
        for rows in (judged, further)
    ]
    np.testing.assert_allclose(np.concatenate(ratio), ratio[0][0])


def test_of_very_many_further_rows_some_teach(easy, monkeypatch):
    known = prepare(easy, replace(LESSONS, members=1), CPU).known
    judged = judged_rows(known, 0)
    whole = further_rows(known, judged, 0)
    monkeypatch.setattr(blinding, "MOST_FURTHER", 100)
    some = further_rows(known, judged, 0)
    assert np.bincount(known.labels[some.rows]).tolist() == [100, 100]
    assert np.isin(some.rows, whole.rows).all()
    np.testing.assert_array_equal(some.rows, further_rows(known, judged, 0).rows)
    assert not np.array_equal(some.rows, further_rows(known, judged, 1).rows)
