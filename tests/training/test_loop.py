"""The loop: it learns, it repeats itself, and it goes on where it stopped.

Of both phases: `PHASES` names the objectives of `make_loop`.
"""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest
import torch

from cbvae_cli.errors import DataProblem, Interrupted, UsageProblem
from cbvae_cli.families import FAMILIES
from cbvae_cli.training.checkpoint import Checkpoint
from cbvae_cli.training.loop import BLIND_SHARE, REPORTS

PHASES = ("generative", "joint", "adversarial")


def nothing(_):
    """Take no notice."""


def weights(made):
    named = made.loop.objective.named_parameters()
    return {name: tensor.detach().clone() for name, tensor in named}


def held_out_draws():
    """Give the random numbers that a look at stopping rows draws, for seed 0."""
    return torch.Generator().manual_seed(2)


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def interrupted_at(step):
    """Observe a run and ask it to stop, as Ctrl-C does."""

    def observe(epoch):
        if epoch.step >= step:
            signal.raise_signal(signal.SIGINT)

    return observe


def interrupt(made, folder, step, identity="one"):
    with pytest.raises(Interrupted) as caught:
        made.loop.run(interrupted_at(step), Checkpoint(folder, identity))
    return caught.value


@pytest.mark.parametrize("model", FAMILIES)
@pytest.mark.parametrize("members", [1, 2])
def test_training_lowers_the_loss_on_rows_that_did_not_train(make_loop, model, members):
    sizes = (800, 400)
    loop = make_loop(sizes, steps=300, model=model, members=members).loop
    loop.run(nothing, None)
    held_out = np.array([epoch.held_out for epoch in loop.history])
    # A unit a class; or of autoencoders, and then of their discriminators.
    n_units = {"cbvae": 2, "dvaan": 2}.get(model, 1)
    assert held_out.shape[1] == members * n_units
    assert np.isfinite(held_out).all()
    fallen = held_out[0] - held_out[-1]
    explains = members * (1 if model == "dvaan" else n_units)
    assert (fallen[:explains] > 0.5).all()
    assert (fallen > 0.05).all()


@pytest.mark.parametrize("phase", PHASES)
def test_the_weights_kept_are_the_best_on_rows_that_did_not_train(make_loop, phase):
    made = make_loop(steps=150, rate=0.05, phase=phase)
    made.loop.run(nothing, None)
    held_out = np.array([epoch.held_out for epoch in made.loop.history])
    steps = np.array([epoch.step for epoch in made.loop.history])
    np.testing.assert_array_equal(
        made.loop.best_step.numpy(), steps[held_out.argmin(axis=0)]
    )
    np.testing.assert_allclose(
        made.loop.objective.held_out(held_out_draws()).numpy(),
        held_out.min(axis=0),
        rtol=1e-5,
    )


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("phase", PHASES)
def test_the_same_seed_gives_the_same_weights(make_loop, noise, phase):
    one, other = (make_loop(noise=noise, phase=phase) for _ in range(2))
    one.loop.run(nothing, None)
    torch.rand(5)  # the loop's random numbers are its own
    other.loop.run(nothing, None)
    assert_same(weights(one), weights(other))
    assert one.loop.history == other.loop.history


def test_another_seed_gives_other_weights(make_loop):
    one, other = make_loop(seed=0), make_loop(seed=1)
    for made in (one, other):
        made.loop.run(nothing, None)
    name = "nets.encoder.layers.0.weight"
    assert not torch.equal(weights(one)[name], weights(other)[name])


@pytest.mark.parametrize("phase", PHASES)
def test_looking_at_the_held_out_rows_does_not_change_training(make_loop, phase):
    one, other = make_loop(phase=phase), make_loop(phase=phase)
    for _ in range(10):
        one.loop.advance()
        loss = other.loop.advance()
        other.loop._report(loss)
    assert_same(weights(one), weights(other))


@pytest.mark.parametrize(("phase", "units"), [("generative", 6), ("joint", 3)])
def test_every_report_tells_of_every_unit(make_loop, phase, units):
    made, seen = make_loop(steps=100, members=3, phase=phase), []
    made.loop.run(seen.append, None)
    assert [epoch.step for epoch in seen] == list(range(4, 101, 4))
    assert len(seen) == REPORTS
    assert all(epoch.steps == 100 for epoch in seen)
    assert all(len(epoch.train) == len(epoch.held_out) == units for epoch in seen)


def test_a_class_of_one_row_trains_and_is_stopped_early(make_loop):
    made = make_loop(sizes=(100, 1))
    made.loop.run(nothing, None)
    assert all(torch.isfinite(tensor).all() for tensor in weights(made).values())
    held_out = np.array([epoch.held_out for epoch in made.loop.history])
    assert np.isfinite(held_out[:, :2]).all()
    assert np.isnan(held_out[:, 2:]).all()
    assert (made.loop.best_step[2:] <= 60 * BLIND_SHARE).all()
    assert (made.loop.best_step[2:] > 0).all()


def test_units_keep_their_best_weights_each_for_itself(make_loop):
    made = make_loop(steps=50)
    loop, n_nets = made.loop, 4
    start = weights(made)
    loop.advance()
    better = torch.tensor([True, False, False, True])
    loop._keep_better(torch.where(better, -1.0, torch.inf).double())
    for name, best in loop.best.items():
        assert best.shape[0] == n_nets
        for net in range(n_nets):
            moved = not torch.equal(best[net], start[name][net])
            if not better[net]:
                assert not moved, name
    assert not torch.equal(loop.best["nets.encoder.layers.0.weight"],
                           start["nets.encoder.layers.0.weight"])  # fmt: skip
    assert loop.best_step.tolist() == [1, 0, 0, 1]


@pytest.mark.parametrize("step", [2, 30, 58])
@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("phase", PHASES)
def test_a_resumed_run_ends_with_the_bits_of_an_unbroken_one(
    make_loop, tmp_path, step, noise, phase
):
    whole = make_loop(noise=noise, phase=phase)
    whole.loop.run(nothing, None)
    broken = make_loop(noise=noise, phase=phase)
    interrupt(broken, tmp_path / "run", step)
    assert 0 < broken.loop.step < 60
    resumed = make_loop(noise=noise, phase=phase)
    resumed.loop.restore(Checkpoint(tmp_path / "run", "one").load())
    assert resumed.loop.step == broken.loop.step
    resumed.loop.run(nothing, None)
    assert_same(weights(resumed), weights(whole))
    assert resumed.loop.history == whole.loop.history
    assert torch.equal(resumed.loop.best_step, whole.loop.best_step)


@pytest.mark.parametrize("phase", PHASES)
def test_a_finished_run_comes_back_from_its_last_snapshot(make_loop, tmp_path, phase):
    whole = make_loop(phase=phase)
    whole.loop.run(nothing, None)
    checkpoint = Checkpoint(tmp_path / "run", "one")
    checkpoint.save(whole.loop.snapshot())
    again = make_loop(phase=phase)
    again.loop.restore(checkpoint.load())
    again.loop.run(nothing, None)
    assert_same(weights(again), weights(whole))
    assert again.loop.history == whole.loop.history


def test_a_run_may_be_interrupted_twice(make_loop, tmp_path):
    whole = make_loop()
    whole.loop.run(nothing, None)
    interrupt(make_loop(), tmp_path / "run", 10)
    again = make_loop()
    again.loop.restore(Checkpoint(tmp_path / "run", "one").load())
    interrupt(again, tmp_path / "run", 40)
    last = make_loop()
    last.loop.restore(Checkpoint(tmp_path / "run", "one").load())
    last.loop.run(nothing, None)
    assert_same(weights(last), weights(whole))


def test_a_class_without_held_out_rows_is_resumed_too(make_loop, tmp_path):
    sizes = (80, 2)
    whole = make_loop(sizes=sizes)
    whole.loop.run(nothing, None)
    interrupt(make_loop(sizes=sizes), tmp_path / "run", 20)
    resumed = make_loop(sizes=sizes)
    resumed.loop.restore(Checkpoint(tmp_path / "run", "one").load())
    resumed.loop.run(nothing, None)
    assert_same(weights(resumed), weights(whole))


def test_an_interruption_says_how_to_go_on(make_loop, tmp_path):
    error = interrupt(make_loop(), tmp_path / "run", 30)
    assert "interrupted at step 30 of 60" in error.what
    assert "--resume" in error.hint
    assert str(tmp_path / "run") in error.where


def test_an_interruption_without_a_folder_is_pythons_own(make_loop):
    with pytest.raises(KeyboardInterrupt):
        make_loop().loop.run(interrupted_at(10), None)


def test_a_run_of_other_data_or_settings_is_not_resumed(make_loop, tmp_path):
    interrupt(make_loop(), tmp_path / "run", 30, identity="one")
    with pytest.raises(UsageProblem, match="other data or settings"):
        Checkpoint(tmp_path / "run", "two").load()


def test_there_must_be_a_run_to_resume(tmp_path):
    with pytest.raises(UsageProblem, match="no interrupted run"):
        Checkpoint(tmp_path / "run", "one").load()


def spoil_json(folder):
    (folder / "run.json").write_text("{", encoding="utf-8")


def spoil_tensors(folder):
    path = next(folder.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-40])


def spoil_header(folder):
    path = next(folder.glob("*.safetensors"))
    path.write_bytes(b"\xff" * 8 + path.read_bytes()[8:])


def lose_a_key(folder):
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    del record["step"]
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")


def empty_json(folder):
    (folder / "run.json").write_bytes(b"")


def not_an_object(folder):
    (folder / "run.json").write_text("[1, 2]", encoding="utf-8")


@pytest.mark.parametrize(
    "spoil",
    [spoil_json, spoil_tensors, spoil_header, lose_a_key, empty_json, not_an_object],
)
def test_a_damaged_run_is_refused(make_loop, tmp_path, spoil):
    interrupt(make_loop(), tmp_path / "run", 30)
    spoil(tmp_path / "run")
    with pytest.raises(DataProblem, match="damaged") as caught:
        Checkpoint(tmp_path / "run", "one").load()
    assert "remove that folder" in caught.value.hint


def test_a_run_without_its_tensors_is_refused(make_loop, tmp_path):
    interrupt(make_loop(), tmp_path / "run", 30)
    next((tmp_path / "run").glob("*.safetensors")).unlink()
    with pytest.raises((DataProblem, UsageProblem)):
        Checkpoint(tmp_path / "run", "one").load()


def test_a_run_never_reads_tensors_outside_its_folder(make_loop, tmp_path):
    interrupt(make_loop(), tmp_path / "run", 30)
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    moved = tmp_path / "moved.safetensors"
    (tmp_path / "run" / record["tensors"]).rename(moved)
    record["tensors"] = "../moved.safetensors"
    (tmp_path / "run" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises((DataProblem, UsageProblem)):
        Checkpoint(tmp_path / "run", "one").load()


def test_phases_are_kept_side_by_side(make_loop, tmp_path):
    run = Checkpoint(tmp_path / "run", "one")
    first, second = run.phase("first"), run.phase("second")
    first.save(make_loop().loop.snapshot())
    assert (first.exists, second.exists) == (True, False)
    second.save(make_loop(phase="joint").loop.snapshot())
    assert first.load().tensors.keys() != second.load().tensors.keys()
    with pytest.raises(UsageProblem, match="other data or settings"):
        Checkpoint(tmp_path / "run", "two").phase("first").load()
    run.remove()
    assert (first.exists, second.exists) == (False, False)


def test_only_the_newest_snapshot_is_kept(make_loop, tmp_path):
    made, checkpoint = make_loop(), Checkpoint(tmp_path / "run", "one")
    for _ in range(3):
        made.loop.advance()
        checkpoint.save(made.loop.snapshot())
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names == ["run.json", "step-3.safetensors"]
    checkpoint.remove()
    assert not (tmp_path / "run").exists()
