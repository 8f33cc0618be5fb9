"""From a table to a model, twice over."""

from __future__ import annotations

import json
import signal
from dataclasses import replace

import numpy as np
import pytest
import torch

from cbvae_cli.bundle.model import describe, open_model, restore, save_model
from cbvae_cli.errors import Interrupted, UsageProblem
from cbvae_cli.records import Settings
from cbvae_cli.training import loop
from cbvae_cli.training.fit import estimate_seconds, fit
from cbvae_cli.training.parts import LEAST_CERTIFIED

CPU = torch.device("cpu")
BRIEF = Settings(
    latent=2,
    hidden=(8,),
    steps=40,
    joint_steps=30,
    filler_steps=20,
    batch=32,
    members=2,
)
IN_JOINT = BRIEF.steps + 10
IN_FILLING = BRIEF.steps + BRIEF.joint_steps + 10


def run(table, settings=BRIEF, *, observe=lambda _: None, folder=None, resume=False):
    return fit(
        table,
        settings,
        device=CPU,
        observe=observe,
        run_folder=folder,
        resume=resume,
    )


def everything(model):
    manifest, arrays = describe(model)
    return json.dumps(manifest, sort_keys=True), {
        name: a.tobytes() for name, a in arrays.items()
    }


def networks(model):
    found = {**model.family.arrays(), "sharp": model.classifier.arrays()}
    sharp = found.pop("sharp")
    return {
        **{n: a.tobytes() for n, a in found.items() if n.startswith("nets/")},
        **{f"sharp/{n}": a.tobytes() for n, a in sharp.items()},
    }


def stop_at(step):
    """Ask a run to stop, as Ctrl-C does, once."""
    asked = []

    def observe(epoch):
        if epoch.step >= step and not asked:
            asked.append(epoch)
            signal.raise_signal(signal.SIGINT)

    return observe


@pytest.fixture(scope="module")
def whole(make_table):
    """Everything of a model that was trained without a break."""
    return everything(run(make_table(80, 40)))


def test_the_same_seed_gives_the_same_bytes(make_table, tmp_path):
    table = make_table(80, 40)
    paths = [
        save_model(run(table), str(tmp_path / f"{name}.cbvae"), force=False)
        for name in ("one", "other")
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_another_seed_gives_other_networks(make_table):
    table = make_table(80, 40)
    one, other = (run(table, replace(BRIEF, seed=seed)) for seed in (0, 1))
    assert networks(one) != networks(other)


@pytest.mark.parametrize("model", ["cbvae", "vae"])
@pytest.mark.parametrize(
    "sizes", [(60,), (60, 1), (60, 2, 9), (3, 4), (1, 1, 30), (2,)]
)
def test_classes_of_any_size_train(make_table, model, sizes):
    fitted = run(make_table(*sizes), replace(BRIEF, model=model, steps=15))
    manifest, arrays = describe(fitted)
    manifest = json.loads(json.dumps(manifest, allow_nan=False))
    for name, array in arrays.items():
        # A threshold may be infinite: all seen cells then go one way.
        assert not np.isnan(array).any(), name
        assert name.endswith("threshold") or np.isfinite(array).all(), name
    named = [w for w in fitted.training["warnings"] if "all train" in w]
    assert len(named) == sum(size < 10 for size in sizes)
    assert everything(restore(manifest, arrays, CPU)) == everything(fitted)
    values = np.array([[0.0, 1.0], [np.nan, np.nan], [99.0, 0.0]])
    for rule in fitted.family.rules:
        log_p = fitted.log_probabilities(values, rule)
        assert log_p.shape == (3, len(sizes))
        np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1, atol=1e-9)


def test_every_phase_is_reported_in_one_count(make_table):
    seen = []
    fitted = run(make_table(80, 40), observe=seen.append)
    steps = [epoch.step for epoch in seen]
    assert steps == sorted(steps)
    told = BRIEF.steps + BRIEF.joint_steps
    assert steps[-1] == fitted.training["steps"] == told + BRIEF.filler_steps
    assert {epoch.steps for epoch in seen} == {steps[-1]}
    first, second = fitted.training["best_steps"]
    assert (len(first), len(second)) == (4, 2)
    # What fills cells has no losses that classes could be judged by.
    assert len(fitted.training["history"]) == sum(step <= told for step in steps)


def test_the_generative_networks_are_left_as_they_were(make_table):
    table = make_table(80, 40)
    sharp, plain = run(table), run(table, replace(BRIEF, joint_steps=0))
    assert plain.classifier is plain.family
    assert sharp.classifier is not sharp.family
    nets = sharp.family.nets.state_dict(), plain.family.nets.state_dict()
    assert all(torch.equal(nets[0][name], nets[1][name]) for name in nets[0])
    other = sharp.classifier.nets.state_dict()
    assert not all(torch.equal(nets[0][name], other[name]) for name in other)


# Interrupted runs.


@pytest.mark.parametrize("step", [1, 20, BRIEF.steps, IN_JOINT, IN_FILLING])
def test_an_interrupted_fit_ends_in_the_same_model(make_table, whole, tmp_path, step):
    table, folder = make_table(80, 40), tmp_path / "run"
    with pytest.raises(Interrupted) as caught:
        run(table, observe=stop_at(step), folder=folder)
    assert "--resume" in caught.value.hint
    resumed = run(table, folder=folder, resume=True)
    assert everything(resumed) == whole


def test_a_fit_may_be_interrupted_in_every_phase(make_table, whole, tmp_path):
    table, folder = make_table(80, 40), tmp_path / "run"
    stops = 20, 30, IN_JOINT, 60, IN_FILLING
    for step, resume in zip(stops, (False, True, True, True, True), strict=True):
        with pytest.raises(Interrupted):
            run(table, observe=stop_at(step), folder=folder, resume=resume)
    resumed = run(table, folder=folder, resume=True)
    assert everything(resumed) == whole


def test_a_fit_that_is_saved_at_every_step_ends_in_the_same_model(
    make_table, tmp_path, monkeypatch, whole
):
    table, folder = make_table(80, 40), tmp_path / "run"
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    saved = run(table, folder=folder)
    assert everything(saved) == whole
    # Whatever breaks off calibration, no step is taken again.
    seen = []
    again = run(table, folder=folder, resume=True, observe=seen.append)
    assert everything(again) == everything(saved)
    assert not seen


def test_a_run_begun_anew_does_not_go_on_with_the_joint_phase_of_an_older_one(
    make_table, tmp_path, whole
):
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        run(make_table(80, 40, seed=1), observe=stop_at(IN_JOINT), folder=folder)
    table = make_table(80, 40)
    with pytest.raises(Interrupted):
        run(table, observe=stop_at(20), folder=folder)
    resumed = run(table, folder=folder, resume=True)
    assert everything(resumed) == whole


@pytest.mark.parametrize("step", [1, IN_JOINT])
def test_other_rows_or_settings_are_not_resumed(make_table, tmp_path, step):
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        run(make_table(80, 40), observe=stop_at(step), folder=folder)
    for table, settings in (
        (make_table(80, 40, seed=1), BRIEF),
        (make_table(80, 40), replace(BRIEF, rate=1e-3)),
    ):
        with pytest.raises(UsageProblem, match="other data or settings"):
            run(table, settings, folder=folder, resume=True)


def test_there_must_be_a_run_to_resume(make_table, tmp_path):
    with pytest.raises(UsageProblem, match="no interrupted run"):
        run(make_table(80, 40), folder=tmp_path / "run", resume=True)


def test_an_estimate_leaves_training_as_it_was(make_table, whole):
    table = make_table(80, 40)
    assert estimate_seconds(table, BRIEF, CPU) > 0
    assert everything(run(table)) == whole


# Who sees what.


def test_parts_are_counted_by_class(make_table):
    parts = run(make_table(300, 60, 5)).training["parts"]
    # Two members: each trains on the fifth that the other is blind to.
    for at, size in enumerate((300, 60, 5)):
        assert parts["train"][at] + parts["certify"][at] == size
    assert parts["certify"] == [60, 12, 0]
    assert parts["calibrate"] == [96, pytest.approx(19, abs=1), 0]
    parts = run(replace(make_table(200, 40), validation_share=0.5)).training["parts"]
    together = np.sum([parts[name] for name in parts], axis=0)
    assert together.tolist() == [200, 40]


def test_certified_rows_are_scored_by_the_model_as_it_is(make_table):
    fitted = run(make_table(400, 60))
    n_certified = sum(fitted.training["parts"]["certify"])
    assert n_certified >= LEAST_CERTIFIED
    assert len(fitted.certificate.scores) == n_certified
    assert fitted.certificate.counts.tolist() == [n_certified, 0]
    assert run(make_table(60, 30)).certificate is None


# Weights.


def test_only_ratios_of_weights_count(make_table):
    table = make_table(80, 40)
    weights = np.random.default_rng(0).gamma(2.0, size=120)
    one, two = (run(replace(table, weights=weights * s)) for s in (1.0, 4096.0))
    assert everything(one) == everything(two)


def test_rows_of_no_weight_teach_nothing(make_table):
    table = make_table(300, 150)
    rng = np.random.default_rng(0)
    wrong = rng.random(450) < 0.5
    values = table.values.copy()
    values[wrong, 0] = -values[wrong, 0] + 3.0  # the classes change places
    lessons = replace(BRIEF, steps=150, joint_steps=60)
    weighed = run(
        replace(table, values=values, weights=(~wrong).astype(float)), lessons
    )
    misled = run(replace(table, values=values), lessons)
    fresh = make_table(200, 200, seed=7)
    right = [
        (
            m.log_probabilities(fresh.values, "posterior").argmax(1) == fresh.labels
        ).mean()
        for m in (weighed, misled)
    ]
    assert right[0] > 0.85
    assert right[0] > right[1] + 0.1


def test_probabilities_keep_to_the_weighted_shares(make_table):
    table = make_table(400, 400)
    table.values[:] = np.random.default_rng(0).normal(size=table.values.shape)
    table.values[:, 1] = np.abs(table.values[:, 1]) > 1
    weights = np.where(table.labels == 1, 4.0, 1.0)
    for given, share in ((weights, 0.8), (None, 0.5)):
        fitted = run(replace(table, weights=given))
        for rule in ("posterior", "likelihood"):
            p = np.exp(fitted.log_probabilities(table.values, rule))[:, 1]
            assert p.mean() == pytest.approx(share, abs=0.06)


@pytest.mark.parametrize("weight", [0.0, 1e-300, 1.0, 1e300])
def test_validation_rows_may_weigh_nothing_or_much(make_table, weight):
    beside = np.arange(120) % 3 == 0
    table = replace(
        make_table(80, 40), validation=beside, weights=np.where(beside, weight, 1.0)
    )
    fitted = run(table)
    assert all(np.isfinite(a).all() for a in describe(fitted)[1].values() if a.ndim < 2)
    log_p = fitted.log_probabilities(table.values, "posterior")
    assert np.isfinite(log_p).all()


def test_validation_rows_of_a_single_group_calibrate_without_candidates(make_table):
    beside = np.arange(120) % 3 == 0
    groups = np.where(beside, 0, np.arange(120) + 1)
    fitted = run(replace(make_table(80, 40), validation=beside, groups=groups))
    assert not fitted.posterior.candidates
    assert np.isfinite(fitted.log_probabilities(np.zeros((2, 2)), "posterior")).all()


@pytest.mark.parametrize("n_groups", [1, 2, 3])
def test_few_groups_train_all_the_same(make_table, n_groups):
    groups = np.arange(120) % n_groups
    fitted = run(replace(make_table(80, 40), groups=groups))
    assert np.isfinite(fitted.log_probabilities(np.zeros((2, 2)), "posterior")).all()


def test_a_model_with_a_validation_table_comes_back_from_its_bundle(
    make_table, tmp_path
):
    beside = np.arange(120) % 3 == 0
    fitted = run(replace(make_table(80, 40), validation=beside))
    path = save_model(fitted, str(tmp_path / "m.cbvae"), force=False)
    assert everything(open_model(str(path), CPU)) == everything(fitted)
