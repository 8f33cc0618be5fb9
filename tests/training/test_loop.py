"""The loop: it learns, it repeats itself, and it goes on where it stopped."""

from __future__ import annotations

import json
import signal

import numpy as np
import pytest
import torch

from cbvae_cli.errors import DataProblem, Interrupted, UsageProblem
from cbvae_cli.training.checkpoint import Checkpoint
from cbvae_cli.training.loop import REPORTS


def nothing(_):
    """Take no notice."""


def weights(made):
    return {name: t.clone() for name, t in made.loop.nets.state_dict().items()}


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


@pytest.mark.parametrize("model", ["cbvae", "vae"])
def test_training_lowers_the_loss_on_rows_that_did_not_train(make_loop, model):
    loop = make_loop(steps=300, model=model).loop
    loop.run(nothing, None)
    held_out = np.array([epoch.held_out for epoch in loop.history])
    assert np.isfinite(held_out).all()
    assert (held_out[-1] < held_out[0] - 0.5).all()


def test_the_weights_kept_are_the_best_on_rows_that_did_not_train(make_loop):
    made = make_loop(steps=150, rate=0.05)
    made.loop.run(nothing, None)
    held_out = np.array([epoch.held_out for epoch in made.loop.history])
    steps = np.array([epoch.step for epoch in made.loop.history])
    np.testing.assert_array_equal(
        made.loop.best_step.numpy(), steps[held_out.argmin(axis=0)]
    )
    np.testing.assert_allclose(
        made.loop._held_out().numpy(), held_out.min(axis=0), rtol=1e-6
    )


@pytest.mark.parametrize("noise", [False, True])
def test_the_same_seed_gives_the_same_weights(make_loop, noise):
    one, other = (make_loop(noise=noise) for _ in range(2))
    one.loop.run(nothing, None)
    torch.rand(5)  # the loop's random numbers are its own
    other.loop.run(nothing, None)
    assert_same(weights(one), weights(other))
    assert one.loop.history == other.loop.history


def test_another_seed_gives_other_weights(make_loop):
    one, other = make_loop(seed=0), make_loop(seed=1)
    for made in (one, other):
        made.loop.run(nothing, None)
    name = "encoder.layers.0.weight"
    assert not torch.equal(weights(one)[name], weights(other)[name])


def test_looking_at_the_held_out_rows_does_not_change_training(make_loop):
    one, other = make_loop(), make_loop()
    for _ in range(10):
        one.loop.advance()
        other.loop.advance()
        other.loop._held_out()
    assert_same(weights(one), weights(other))


def test_every_report_tells_of_every_network(make_loop):
    made, seen = make_loop(steps=100), []
    made.loop.run(seen.append, None)
    assert [epoch.step for epoch in seen] == list(range(4, 101, 4))
    assert len(seen) == REPORTS
    assert all(epoch.steps == 100 for epoch in seen)
    assert all(len(epoch.train) == len(epoch.held_out) == 2 for epoch in seen)


def test_epochs_are_passes_over_the_largest_class(make_loop):
    made = make_loop(epochs=3)
    largest = max(len(rows) for rows in made.loop.data.train)
    assert made.loop.steps == 3 * -(-largest // 32)


def test_a_class_of_one_row_trains_and_is_stopped_early(make_loop):
    made = make_loop(sizes=(100, 1))
    made.loop.run(nothing, None)
    assert all(torch.isfinite(tensor).all() for tensor in weights(made).values())
    assert np.isnan([epoch.held_out[1] for epoch in made.loop.history]).all()
    assert made.loop.best_step[1] <= 60 * 0.25


def test_hidden_cells_are_as_many_as_asked(make_loop):
    seen = torch.ones(2, 5000, 4, dtype=torch.bool)
    by_number = make_loop(mask=3).loop._hidden(seen)
    assert (by_number.sum(-1) == 3).all()
    by_share = make_loop(mask=0.4).loop._hidden(seen).float()
    assert by_share.mean().item() == pytest.approx(0.2, abs=0.02)
    assert not make_loop(mask=0).loop._hidden(seen).any()


def test_one_cell_is_left_however_many_are_to_be_hidden(make_loop):
    seen = torch.ones(2, 50, 4, dtype=torch.bool)
    assert (make_loop(mask=40).loop._hidden(seen).sum(-1) == 3).all()


@pytest.mark.parametrize("step", [2, 30, 58])
@pytest.mark.parametrize("noise", [False, True])
def test_a_resumed_run_ends_with_the_bits_of_an_unbroken_one(
    make_loop, tmp_path, step, noise
):
    whole = make_loop(noise=noise)
    whole.loop.run(nothing, None)
    broken = make_loop(noise=noise)
    interrupt(broken, tmp_path / "run", step)
    assert 0 < broken.loop.step < 60
    resumed = make_loop(noise=noise)
    resumed.loop.restore(Checkpoint(tmp_path / "run", "one").load())
    assert resumed.loop.step == broken.loop.step
    resumed.loop.run(nothing, None)
    assert_same(weights(resumed), weights(whole))
    assert resumed.loop.history == whole.loop.history
    assert torch.equal(resumed.loop.best_step, whole.loop.best_step)


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


def test_only_the_newest_snapshot_is_kept(make_loop, tmp_path):
    made, checkpoint = make_loop(), Checkpoint(tmp_path / "run", "one")
    for _ in range(3):
        made.loop.advance()
        checkpoint.save(made.loop.snapshot())
    names = sorted(path.name for path in (tmp_path / "run").iterdir())
    assert names == ["run.json", "step-3.safetensors"]
    checkpoint.remove()
    assert not (tmp_path / "run").exists()
