"""Saved work that is damaged, foreign or made to lead elsewhere is not gone on with."""

from __future__ import annotations

import json

import pytest
import torch

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.training.checkpoint import Checkpoint, Snapshot
from cbvae_cli.training.run_folder import RunFolder


@pytest.fixture
def saved(tmp_path):
    """Save a snapshot of step 7; gives the checkpoint."""
    checkpoint = Checkpoint(tmp_path / "run", "mine")
    checkpoint.save(Snapshot(7, {"w": torch.arange(3.0)}, [[1, 2.5]]))
    return checkpoint


def test_what_was_saved_comes_back_and_the_older_goes(saved):
    found = saved.load()
    assert (found.step, found.history) == (7, [[1, 2.5]])
    assert found.tensors["w"].tolist() == [0, 1, 2]
    saved.save(Snapshot(9, {"w": torch.zeros(1)}, []))
    names = sorted(path.name for path in saved.folder.iterdir())
    assert names == ["run.json", "step-9.safetensors"]


def changed(**changes):
    def change(folder):
        record = json.loads((folder / "run.json").read_text())
        record |= changes
        kept = {key: value for key, value in record.items() if value is not ...}
        (folder / "run.json").write_text(json.dumps(kept))

    return change


def written(name, body):
    return lambda folder: (folder / name).write_bytes(body)


DAMAGED = {
    "half a record": written("run.json", b'{"version": 1, "st'),
    "a record of another shape": written("run.json", b"[]"),
    "bytes that are no text": written("run.json", b"\xff\xfe"),
    "no step": changed(step=...),
    "a step of words": changed(step="many"),
    "no history": changed(history=3),
    "tensors without a name": changed(tensors=None),
    "half the tensors": written("step-7.safetensors", b"\x10\0\0\0\0\0\0\0{"),
    "a pickle": written("step-7.safetensors", b"\x80\x04]\x94."),
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_damaged_work_is_refused(saved, change):
    change(saved.folder)
    with pytest.raises(DataProblem, match="damaged and cannot be resumed") as caught:
        saved.load()
    assert caught.value.where == str(saved.folder)
    assert "--resume" in caught.value.hint


@pytest.mark.parametrize(
    "change", [changed(version=2), changed(identity="theirs")], ids=["format", "data"]
)
def test_foreign_work_is_refused(saved, change):
    change(saved.folder)
    with pytest.raises(UsageProblem, match="made from other data or settings"):
        saved.load()


@pytest.mark.parametrize("path", ["../step-7.safetensors", "{above}"])
def test_tensors_outside_the_folder_are_not_read(saved, path):
    above = saved.folder.parent / "step-7.safetensors"
    (saved.folder / above.name).rename(above)
    changed(tensors=path.format(above=above))(saved.folder)
    with pytest.raises(UsageProblem, match="no interrupted run to resume"):
        saved.load()


def test_nothing_to_go_on_with_is_told(tmp_path):
    with pytest.raises(UsageProblem, match="no interrupted run to resume"):
        Checkpoint(tmp_path / "run", "mine").load()


def test_work_that_another_run_is_still_adding_to_is_not_taken(saved):
    home = RunFolder(saved.folder, fresh=False)
    ours = Checkpoint(saved.folder, "mine", home)
    with RunFolder(saved.folder, fresh=False) as other:
        other.hold()
        with pytest.raises(UsageProblem, match="still under way"):
            ours.load()
    assert ours.load().step == 7
