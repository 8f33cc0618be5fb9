"""Runs that meet each other, and runs that are asked to stop, politely or not."""

import signal

import pytest

from tests.faults.conftest import BRIEF

# Holds the run in the middle of saving until a second request to stop comes.
SLOW_SAVING = """
import time
from cbvae_cli.training.checkpoint import Checkpoint
from cbvae_cli.training import loop
loop.SAVE_SECONDS = 1e9

def save(self, snapshot):
    print("saving", flush=True)
    time.sleep(3600)

Checkpoint.save = save
advance = loop.Loop.advance

def advanced(self):
    if self.step == 3:
        print("begun", flush=True)
        time.sleep(1)
    return advance(self)

loop.Loop.advance = advanced
"""


def test_two_runs_onto_one_bundle_leave_a_whole_one(
    begin, defects, whole, tmp_path, names
):
    target = tmp_path / "m.cbvae"
    argv = ["train", str(defects), *BRIEF, "-o", str(target), "--force"]
    runs = [begin(*argv) for _ in range(2)]
    for run in runs:
        assert run.communicate() == ("", "")
        assert run.returncode == 0
    assert names(tmp_path) == ["m.cbvae"]


def test_two_runs_into_one_store_get_a_number_each(begin, defects, tmp_path, names):
    argv = ["train", str(defects), *BRIEF, "-o", f"{tmp_path}/models/"]
    runs = [begin(*argv) for _ in range(2)]
    for run in runs:
        assert run.communicate() == ("", "")
    assert names(tmp_path / "models") == ["0001.cbvae", "0002.cbvae"]
    one, two = ((tmp_path / "models" / f"000{n}.cbvae").read_bytes() for n in (1, 2))
    assert one == two


def test_of_two_trainings_one_saves_and_neither_disturbs_the_other(
    train, defects, whole, tmp_path, names, monkeypatch, capsys
):
    from cbvae_cli.training.run_folder import RunFolder

    monkeypatch.setattr("cbvae_cli.training.loop.SAVE_SECONDS", 0.2)
    target, folder = tmp_path / "m.cbvae", tmp_path / ".m.cbvae.run"
    with RunFolder(folder, fresh=True) as other:
        other.hold()
        (folder / "theirs").write_text("work")
        assert train(defects, target, "--resume") == 2
        assert "still under way" in capsys.readouterr().err
        assert train(defects, target) == 0
        assert target.read_bytes() == whole
        assert names(folder) == ["theirs"]
    target.unlink()
    assert train(defects, target) == 0
    assert names(tmp_path) == ["m.cbvae"]


def test_a_second_run_is_told_that_it_is_not_the_only_one(
    train, defects, tmp_path, capsys
):
    from cbvae_cli.cli.app import main
    from cbvae_cli.training.run_folder import RunFolder

    loud = ["train", str(defects), *(w for w in BRIEF if w != "--quiet")]
    with RunFolder(tmp_path / ".m.cbvae.run", fresh=True) as other:
        other.hold()
        assert main([*loud, "-o", f"{tmp_path}/m.cbvae"]) == 0
    assert "another run onto the same bundle is under way" in capsys.readouterr().err


def test_the_last_whole_rows_win(tmp_path, names):
    import pyarrow as pa

    from cbvae_cli.table.sink import WriteOptions, open_sink

    rows = [pa.record_batch({"a": [word]}) for word in ("first", "second")]
    target, force = tmp_path / "rows.csv", WriteOptions(force=True)
    with open_sink(str(target), rows[0].schema, force) as first:
        first.write(rows[0])
        with open_sink(str(target), rows[1].schema, force) as second:
            second.write(rows[1])
        assert target.read_text() == "a\nsecond\n"
    assert target.read_text() == "a\nfirst\n"
    assert names(tmp_path) == ["rows.csv"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_request_to_stop_ends_a_run_that_is_saving(
    begin, defects, tmp_path, number
):
    target = tmp_path / "m.cbvae"
    target.write_bytes(b"old")
    argv = ["train", str(defects), *BRIEF, "-o", str(target), "--force"]
    run = begin(*argv, before=SLOW_SAVING)
    assert run.stdout.readline() == "begun\n"
    run.send_signal(number)
    assert run.stdout.readline() == "saving\n"
    run.send_signal(number)
    _, told = run.communicate()
    assert run.returncode in (130, -number)
    assert "Traceback" not in told
    assert target.read_bytes() == b"old"
