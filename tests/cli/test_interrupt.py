import os
import shutil
import signal

import pytest

from cbvae_cli.cli.app import main
from cbvae_cli.training.loop import Loop
from cbvae_cli.training.objective import Rows
from cbvae_cli.training.presets import PRESETS

# Sends a real signal from within a step: between two draws of random numbers,
# the worst moment there is.
STOPPED = """
import os
import sys
from dataclasses import replace
from cbvae_cli.cli.app import main
from cbvae_cli.training.loop import Loop
from cbvae_cli.training.objective import Rows
from cbvae_cli.training.presets import PRESETS

number, phase, at, joint_steps, filler_steps = sys.argv[1:6]
# As the tests have it that go on with the run.
steps = {"joint_steps": int(joint_steps), "filler_steps": int(filler_steps)}
PRESETS["default"] = replace(PRESETS["default"], **steps)
advance, draw, running = Loop.advance, Rows.draw, []

def noted(self):
    running[:] = [type(self.objective).__name__.lower(), str(self.step)]
    return advance(self)

def drawn(self, *rest):
    rows = draw(self, *rest)
    if running == [phase, at]:
        running.clear()
        os.kill(os.getpid(), int(number))
    return rows

Loop.advance, Rows.draw = noted, drawn
sys.exit(main(sys.argv[6:]))
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


def stopped(start, number, phase, step, *argv):
    brief = PRESETS["default"]
    steps = brief.joint_steps, brief.filler_steps
    words = (int(number), phase, step, *steps, "train", *argv)
    process = start("-c", STOPPED, *words)
    out, error = process.communicate()
    assert out == ""
    return process.returncode, error


@pytest.fixture
def stop(monkeypatch):
    """Send this process a signal from within a step, once."""

    advance, draw, running = Loop.advance, Rows.draw, []

    def at(number, phase, step):
        def noted(loop):
            running[:] = [type(loop.objective).__name__.lower(), loop.step]
            return advance(loop)

        def drawn(rows, *rest):
            found = draw(rows, *rest)
            if running == [phase, step]:
                monkeypatch.setattr(Loop, "advance", advance)
                running.clear()
                os.kill(os.getpid(), number)
            return found

        monkeypatch.setattr(Loop, "advance", noted)
        monkeypatch.setattr(Rows, "draw", drawn)

    return at


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("phase", ["generative", "joint"])
def test_a_run_that_was_stopped_ends_in_the_same_bundle(
    start, tmp_path, capsys, defects, whole, phase
):
    target = tmp_path / "m.cbvae"
    argv = [defects, *FLAGS, "-o", str(target)]
    code, error = stopped(start, signal.SIGINT, phase, 7, *argv)
    assert code == 130
    steps = 16 if phase == "generative" else PRESETS["default"].joint_steps
    assert error.splitlines() == [
        f"interrupted at step 8 of {steps}; the work is saved",
        f"  where     {tmp_path}/.m.cbvae.run/{phase}",
        "  try       run the same command with --resume to go on",
    ]
    assert names(tmp_path) == [".m.cbvae.run"]

    # Neither other settings nor damage may slip into a resumed run.
    assert main(["train", *argv, "--seed", "7", "--resume"]) == 2
    said = capsys.readouterr().err
    assert "made from other data or settings; --seed was 0, now 7" in said
    kept = shutil.copytree(tmp_path / ".m.cbvae.run", tmp_path / "kept")
    [saved] = (tmp_path / ".m.cbvae.run" / phase).glob("*.safetensors")
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
    stop(signal.SIGTERM, "generative", 0)
    assert main(["train", *argv]) == 130
    assert "--resume" in capsys.readouterr().err
    assert target.read_bytes() == b"old"
    assert main(["train", *[a for a in argv if a != "--quiet"]]) == 0
    said = capsys.readouterr().err
    assert "holds an interrupted run; --resume goes on with it" in said
    assert names(tmp_path) == ["m.cbvae"]
    assert target.read_bytes() == whole


@pytest.mark.parametrize(("phase", "step"), [("generative", 15), ("joint", 0)])
def test_a_run_into_a_store_is_resumed_too(stop, tmp_path, defects, whole, phase, step):
    argv = [defects, *FLAGS, "-o", f"{tmp_path}/models/"]
    stop(signal.SIGINT, phase, step)
    assert main(["train", *argv]) == 130
    assert main(["train", *argv, "--resume"]) == 0
    assert names(tmp_path / "models") == ["0001.cbvae"]
    assert (tmp_path / "models" / "0001.cbvae").read_bytes() == whole
