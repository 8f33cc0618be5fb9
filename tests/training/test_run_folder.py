"""The folder of an unfinished run: of one run at a time, and cleared with care."""

from __future__ import annotations

import os

import pytest

from cbvae_cli.training.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path):
    """Give a run's folder with work of an older run in it, and a link out of it."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "rows.csv").write_text("a\n1\n")
    folder = tmp_path / ".m.cbvae.run"
    (folder / "phase").mkdir(parents=True)
    (folder / "phase" / "run.json").write_text("{}")
    (folder / "run.json").write_text("{}")
    (folder / "link").symlink_to(tmp_path / "precious")
    return folder


def test_a_fresh_run_clears_what_an_older_one_left_and_nothing_else(folder, names):
    with RunFolder(folder, fresh=True) as run:
        assert len(names(folder)) == 3
        run.hold()
        assert names(folder) == []
        (folder / "mine").write_text("work")
        run.hold()
        assert names(folder) == ["mine"]
    assert names(folder.parent / "precious") == ["rows.csv"]


def test_a_resumed_run_keeps_what_there_is(folder, names):
    with RunFolder(folder, fresh=False) as run:
        run.hold()
        assert names(folder) == ["link", "phase", "run.json"]


@pytest.mark.parametrize("fresh", [True, False])
def test_of_two_runs_one_holds_the_folder(folder, names, fresh):
    with RunFolder(folder, fresh=False) as one, RunFolder(folder, fresh=fresh) as other:
        one.hold()
        assert other.taken
        assert not one.taken
        with pytest.raises(BlockingIOError, match="another run onto the same bundle"):
            other.hold()
        other.remove()
        assert names(folder) == ["link", "phase", "run.json"]
    with RunFolder(folder, fresh=fresh) as next_one:
        assert not next_one.taken
        next_one.hold()
        next_one.remove()
    assert names(folder.parent) == ["precious"]
    assert names(folder.parent / "precious") == ["rows.csv"]


@pytest.fixture
def names():
    """List everything in a folder, hidden things too."""
    return lambda folder: sorted(os.listdir(folder))
