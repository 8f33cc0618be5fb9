"""What is kept of a training that is broken off, and how to go on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cbvae_cli.cli.beforehand import run_folder
from cbvae_cli.errors import Interrupted


@contextmanager
def told_what_is_kept(target: str | None, *, resume: bool = False) -> Iterator[None]:
    """Say of a run that ends by Ctrl-C, outside of a step, whether it was saved.

    Within a step the loop saves and says so itself.

    Parameters
    ----------
    target : str or None
        The bundle that is trained; None where nothing is saved on the way.
    resume : bool
        Whether the run goes on with an earlier one.
    """
    folder = run_folder(target) if target else None
    before = _saves(folder)
    try:
        yield
    except KeyboardInterrupt:
        raise _interrupted(folder, before, resume) from None


def _interrupted(
    folder: Path | None, before: dict[Path, int], resume: bool
) -> Interrupted:
    if _saves(folder) != before:
        return Interrupted(
            "interrupted; the work is saved",
            where=str(folder),
            hint="run the same command with --resume to go on",
        )
    if resume and before:
        return Interrupted(
            "interrupted; nothing new was saved, and the run to resume is as it was",
            where=str(folder),
            hint="run the same command again, with --resume, to go on",
        )
    return Interrupted(
        "interrupted; nothing was saved yet", hint="run the same command again"
    )


def _saves(folder: Path | None) -> dict[Path, int]:
    """Give the time of each phase's last save."""
    found = () if folder is None else folder.glob("*/run.json")
    return {path: path.stat().st_mtime_ns for path in found}
