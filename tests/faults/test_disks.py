"""Disks that are full, locked or elsewhere, and clocks that jump."""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from cbvae_cli.cli.app import main
from cbvae_cli.errors import UsageProblem

ROOT = Path(__file__).parents[2]
ENDINGS = ["csv", "csv.gz", "csv.zst", "parquet", "arrow", "ndjson"]


@contextmanager
def full(size):
    """Let no file grow beyond so many bytes, as if the disk were full there.

    For the time of a command only: what pytest itself writes may be a file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def model(trained, samples):
    return str(trained / "defects.cbvae"), str(samples / "defects_new.csv")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_keeps_the_old_rows(model, tmp_path, names, capsys, ending):
    target = tmp_path / f"rows.{ending}"
    target.write_bytes(b"old")
    argv = ["impute", *model, "-o", str(target), "--force", "--quiet"]
    with full(2000):
        assert main([*argv, "--batch-rows", "16"]) == 2
    told = capsys.readouterr().err
    assert "cannot be written: File too large" in told
    assert "make room, or write to another place" in told
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == [target.name]


def test_a_full_disk_keeps_the_old_folder(model, tmp_path, names):
    import pyarrow.csv
    import pyarrow.parquet

    (tmp_path / "in").mkdir()
    table = pyarrow.csv.read_csv(model[1])
    for name in "ab":
        pyarrow.parquet.write_table(table, tmp_path / "in" / f"{name}.parquet")
    argv = ["impute", model[0], f"{tmp_path}/in", "-o", f"{tmp_path}/out", "--quiet"]
    assert main(argv) == 0
    before = (tmp_path / "out" / "a.parquet").read_bytes()
    with full(2000):
        assert main([*argv, "--force"]) == 2
    assert names(tmp_path) == ["in", "out"]
    assert (tmp_path / "out" / "a.parquet").read_bytes() == before


def test_a_full_disk_keeps_the_old_summary(model, tmp_path, names, capsys):
    old = '{"schema": 1}'
    (tmp_path / "s.json").write_text(old)
    argv = ["score", *model, "-o", "/dev/null", f"--json={tmp_path}/s.json"]
    with full(100):
        assert main([*argv, "--out-format", "csv", "--quiet"]) == 3
    assert "cannot write: file too large" in capsys.readouterr().err
    assert (tmp_path / "s.json").read_text() == old
    assert names(tmp_path) == ["s.json"]


def test_a_full_disk_keeps_the_old_bundle_and_the_work(
    train, defects, whole, tmp_path, names, capsys
):
    target = tmp_path / "m.cbvae"
    target.write_bytes(b"old")
    with full(len(whole) // 2):
        assert train(defects, target, "--force") == 2
    assert "File too large" in capsys.readouterr().err
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == [".m.cbvae.run", "m.cbvae"]
    assert train(defects, target, "--force", "--resume") == 0
    assert target.read_bytes() == whole
    assert names(tmp_path) == ["m.cbvae"]


def test_training_goes_on_where_its_work_cannot_be_saved(
    train, defects, whole, tmp_path, monkeypatch
):
    (tmp_path / ".m.cbvae.run").write_text("a file, not a folder")
    monkeypatch.setattr("cbvae_cli.training.loop.SAVE_SECONDS", 0.2)
    assert train(defects, tmp_path / "m.cbvae") == 0
    assert (tmp_path / "m.cbvae").read_bytes() == whole


def test_work_that_cannot_be_saved_is_not_called_saved(
    train, defects, tmp_path, monkeypatch, capsys
):
    import signal

    from cbvae_cli.training.loop import Loop

    (tmp_path / ".m.cbvae.run").write_text("a file, not a folder")
    report = Loop._report

    def reported(loop, loss):
        signal.raise_signal(signal.SIGINT)
        return report(loop, loss)

    monkeypatch.setattr(Loop, "_report", reported)
    assert train(defects, tmp_path / "m.cbvae") == 130
    told = capsys.readouterr().err
    assert "the work could not be saved: File exists" in told
    assert "--resume" not in told


@pytest.fixture
def locked():
    """Give a folder that others than its owner may read but not write to."""
    folder = Path(tempfile.mkdtemp())
    (folder / "old.csv").write_text("old")
    folder.chmod(0o755 if os.geteuid() == 0 else 0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["rows.csv", "old.csv", "out/", "m.cbvae"])
def test_a_read_only_folder_is_told_in_a_sentence(locked, names, name):
    # The superuser may write anywhere, so it steps down to nobody once all is loaded.
    code = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from cbvae_cli.bundle.target import checked_target
from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.sink import WriteOptions, check_output
if os.geteuid() == 0:
    os.setuid(65534)
path = {f"{locked}/{name}"!r}
try:
    if path.endswith(".cbvae"):
        checked_target(path, force=True)
    else:
        check_output(path, WriteOptions(force=True))
except UsageProblem as problem:
    print(problem.what)
"""
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == f"the folder '{locked}' may not be written to\n"
    assert names(locked) == ["old.csv"]


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second device")
def test_temporary_files_may_be_on_another_device(begin, defects, whole, tmp_path):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        if os.stat(other).st_dev == os.stat(tmp_path).st_dev:
            pytest.skip("both folders are on one device")
        from tests.faults.conftest import BRIEF

        with defects.open() as rows:
            argv = ["train", "-", *BRIEF, "-o", str(tmp_path / "m.cbvae")]
            process = begin(*argv, stdin=rows, env={"TMPDIR": other})
            assert process.communicate() == ("", "")
        assert process.returncode == 0
        assert os.listdir(other) == []
    assert os.listdir(tmp_path) == ["m.cbvae"]


def test_without_a_place_for_temporary_files_there_is_a_sentence(monkeypatch):
    import io

    from cbvae_cli.table import origin

    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")
    with pytest.raises(UsageProblem, match="no place for a temporary file") as caught:
        origin.spooled(io.BytesIO(b"a\n"))
    assert "TMPDIR" in caught.value.hint


@pytest.mark.parametrize("jump", [-3e8, 3e8])
def test_a_clock_that_jumps_changes_nothing(
    train, defects, whole, tmp_path, names, monkeypatch, jump
):
    now, calls = time.time, iter(range(10**9))
    monkeypatch.setattr(time, "time", lambda: now() + jump * next(calls))
    monkeypatch.setattr("cbvae_cli.training.loop.SAVE_SECONDS", 0.2)
    assert train(defects, tmp_path / "m.cbvae") == 0
    assert (tmp_path / "m.cbvae").read_bytes() == whole
    assert names(tmp_path) == ["m.cbvae"]
