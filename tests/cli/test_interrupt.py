import os
import shutil
import signal

import pytest

from cbvae_cli.cli.app import main
from cbvae_cli.training.loop import Loop

# Sends a real signal from within a step: between two draws of random numbers,
# the worst moment there is.
STOPPED = """
import os
import sys
from cbvae_cli.cli.app import main
from cbvae_cli.training.loop import Loop

number, at = int(sys.argv[1]), int(sys.argv[2])
usual = Loop._batch

def batch(self):
    drawn = usual(self)
    if self.step == at:
        os.kill(os.getpid(), number)
    return drawn

Loop._batch = batch
sys.exit(main(sys.argv[3:]))
"""
FLAGS = ["--label", "outcome", "--exclude", "part", "--hidden", "16", "--epochs", "16"]
FLAGS += ["--quiet"]


@pytest.fixture(scope="module")
def defects(tmp_path_factory, request):
    """Give the beginning of a sample table, which trains in a moment."""
    rows = (request.config.rootpath / "sample_data" / "defects.csv").read_text("utf-8")
    short = tmp_path_factory.mktemp("defects") / "defects.csv"
    short.write_text("".join(rows.splitlines(keepends=True)[:161]), encoding="utf-8")
    return str(short)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, defects):
    """Give the bytes of a bundle of an unbroken run."""
    target = tmp_path_factory.mktemp("whole") / "m.cbvae"
    assert main(["train", defects, *FLAGS, "-o", str(target)]) == 0
    return target.read_bytes()


def stopped(start, number, step, *argv):
    process = start("-c", STOPPED, int(number), step, "train", *argv)
    out, error = process.communicate()
    assert out == ""
    return process.returncode, error


@pytest.fixture
def stop(monkeypatch):
    """Send this process a signal from within a step, once."""

    def at(number, step):
        usual = Loop._batch

        def batch(loop):
            drawn = usual(loop)
            if loop.step == step:
                monkeypatch.setattr(Loop, "_batch", usual)
                os.kill(os.getpid(), number)
            return drawn

        monkeypatch.setattr(Loop, "_batch", batch)

    return at


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_run_that_was_stopped_ends_in_the_same_bundle(
    start, tmp_path, capsys, defects, whole
):
    target = tmp_path / "m.cbvae"
    argv = [defects, *FLAGS, "-o", str(target)]
    code, error = stopped(start, signal.SIGINT, 7, *argv)
    assert code == 130
    assert error.splitlines() == [
        "interrupted at step 8 of 16; the work is saved",
        f"  where     {tmp_path}/.m.cbvae.run",
        "  try       run the same command with --resume to go on",
    ]
    assert names(tmp_path) == [".m.cbvae.run"]

    # Neither other settings nor damage may slip into a resumed run.
    assert main(["train", *argv, "--seed", "7", "--resume"]) == 2
    assert "made from other data or settings" in capsys.readouterr().err
    kept = shutil.copytree(tmp_path / ".m.cbvae.run", tmp_path / "kept")
    [saved] = (tmp_path / ".m.cbvae.run").glob("*.safetensors")
    saved.write_bytes(saved.read_bytes()[:100])
    assert main(["train", *argv, "--resume"]) == 3
    assert "damaged" in capsys.readouterr().err
    shutil.rmtree(tmp_path / ".m.cbvae.run")
    kept.rename(tmp_path / ".m.cbvae.run")

    assert main(["train", *argv, "--resume"]) == 0
    assert names(tmp_path) == ["m.cbvae"]
    assert target.read_bytes() == whole


def test_a_polite_request_to_end_saves_too_and_keeps_the_old_bundle(
    stop, tmp_path, capsys, defects, whole
):
    target = tmp_path / "m.cbvae"
    target.write_bytes(b"old")
    argv = [defects, *FLAGS, "-o", str(target), "--force"]
    stop(signal.SIGTERM, 0)
    assert main(["train", *argv]) == 130
    assert "--resume" in capsys.readouterr().err
    assert target.read_bytes() == b"old"
    assert main(["train", *[a for a in argv if a != "--quiet"]]) == 0
    said = capsys.readouterr().err
    assert "holds an interrupted run; --resume goes on with it" in said
    assert names(tmp_path) == ["m.cbvae"]
    assert target.read_bytes() == whole


def test_a_run_into_a_store_is_resumed_too(stop, tmp_path, defects, whole):
    argv = [defects, *FLAGS, "-o", f"{tmp_path}/models/"]
    stop(signal.SIGINT, 15)
    assert main(["train", *argv]) == 130
    assert main(["train", *argv, "--resume"]) == 0
    assert names(tmp_path / "models") == ["0001.cbvae"]
    assert (tmp_path / "models" / "0001.cbvae").read_bytes() == whole
