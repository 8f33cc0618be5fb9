"""Trainings broken off outside of a step, and runs that cannot be gone on with."""

import os
import signal

import pytest

from cbvae_cli.cli.app import main
from cbvae_cli.training import fit, read

TABLE = "u,v,w,y\n" + "".join(
    f"{n % 7},{n * 5 % 11},{'abc'[n % 3]},{'pppq'[n % 4]}\n" for n in range(80)
)
FLAGS = ["--label", "y", "--preset", "fast", "--epochs", "2", "--hidden", "8", "-q"]


@pytest.fixture
def train(tmp_path, monkeypatch, capsys):
    """Train on a small table; gives the exit code and what was said."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(TABLE)

    def run(*flags, target="m.cbvae"):
        code = main(["train", "t.csv", *FLAGS, "-o", target, *flags])
        return code, capsys.readouterr().err

    return run


@pytest.fixture
def stop(monkeypatch):
    """Ask this process to stop when a part of training begins, once."""

    def at(module, name):
        usual = getattr(module, name)

        def stopping(*given, **more):
            monkeypatch.setattr(module, name, usual)
            os.kill(os.getpid(), signal.SIGINT)
            return usual(*given, **more)

        monkeypatch.setattr(module, name, stopping)

    return at


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("module", "name"), [(read, "read_table"), (fit, "prepare"), (fit, "_trained")]
)
def test_before_the_first_save_nothing_is_said_to_be_kept(
    train, stop, tmp_path, module, name
):
    stop(module, name)
    assert train() == (
        130,
        "interrupted; nothing was saved yet\n  try       run the same command again\n",
    )
    assert names(tmp_path) == ["t.csv"]


def test_after_the_steps_the_work_is_saved_and_gone_on_with(train, stop, tmp_path):
    assert train(target="whole.cbvae") == (0, "")
    stop(fit, "calibrate")
    code, said = train()
    assert code == 130
    assert said.splitlines() == [
        "interrupted; the work is saved",
        "  where     .m.cbvae.run",
        "  try       run the same command with --resume to go on",
    ]
    stop(read, "read_table")
    code, said = train("--resume")
    assert code == 130
    assert "nothing new was saved, and the run to resume is as it was" in said
    assert train("--resume") == (0, "")
    whole = (tmp_path / "whole.cbvae").read_bytes()
    assert (tmp_path / "m.cbvae").read_bytes() == whole


def test_what_differs_from_the_saved_run_is_named(train, stop, tmp_path):
    stop(fit, "calibrate")
    assert train()[0] == 130
    for flags, says in (
        (["--seed", "7"], "--seed was 0, now 7"),
        (["--epochs", "3", "--latent", "2"], "--latent was 8, now 2"),
        (["--epochs", "3", "--latent", "2"], "--epochs was 2, now 3"),
        (["--hidden", "8,4"], "--hidden was 8, now 8,4"),
        (["--preset", "default"], "--preset was fast, now default"),
        (["--validation", "0.2"], "--validation was not given, now 0.2"),
        (["--positive", "p"], "--positive was q, now p"),
        (["--exclude", "w"], "column 'w' was categorical, now excluded"),
    ):
        code, said = train(*flags, "--resume")
        assert code == 2
        assert said.startswith("error: the interrupted run was made from other data")
        assert says in said
    for table, says in (
        (TABLE + "1,2,a,p\n", "the number of rows was 80, now 81"),
        (TABLE.replace("\n6,", "\n5,"), "cells or labels of the table are others"),
    ):
        (tmp_path / "t.csv").write_text(table)
        code, said = train("--resume")
        assert code == 2
        assert says in said


@pytest.mark.parametrize("target", ["m.cbvae", "models/"])
def test_a_finished_run_cannot_be_resumed(train, target):
    code, said = train("--resume", target=target)
    assert code == 2
    assert "there is no interrupted run to resume\n" in said
    assert train(target=target) == (0, "")
    written = "models/0001.cbvae" if target == "models/" else target
    for flags in ([], ["--force"]):
        code, said = train("--resume", *flags, target=target)
        assert code == 2
        assert f"no interrupted run to resume: {written} is finished" in said
