"""Files that appear whole or not at all, and never on top of another by chance."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.aside import sync_folder
from cbvae_cli.table.passing import new_file


@contextmanager
def aside(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """Open a hidden file beside `target`, and remove what is left of it.

    Yields
    ------
    file : binary file, open for writing
    part : Path
        Its name, `.NAME.<pid>.part`; to be moved or linked to where it belongs.

    Raises
    ------
    UsageProblem
        If the folder is missing, full or may not be written to.
    """
    try:
        file, part, held = new_file(target)
        try:
            with file:
                yield file, part
        finally:
            part.unlink(missing_ok=True)
            held.release()
    except OSError as error:
        raise UsageProblem(
            f"cannot write {target.name}: {error.strerror or error}",
            where=str(target),
            hint="name another place with -o, or make room there",
        ) from error


def replace(part: Path, target: Path) -> None:
    """Move a finished file to its name, over whatever has that name."""
    os.replace(part, target)
    sync_folder(target.parent)


def claim(part: Path, target: Path) -> None:
    """Give a finished file a name that nobody else has.

    Raises
    ------
    FileExistsError
        If the name is taken. Of two writers at once, exactly one gets it.
    """
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:
        # No hard links here (FAT, some network folders). An empty file takes
        # the name first, and readers may see it for a moment.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            os.replace(part, target)
        except OSError:
            target.unlink(missing_ok=True)
            raise
    sync_folder(target.parent)
