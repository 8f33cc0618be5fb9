"""Which files a path stands for: one, a folder of them, or a glob."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.formats import FOLDER_FORMAT
from cbvae_cli.table.origin import Origin, check_exists, file_origin

MAGIC = "*?["


def is_glob(path: str) -> bool:
    """Tell whether `path` is a pattern; a file of that very name wins."""
    return any(mark in path for mark in MAGIC) and not os.path.lexists(path)


def find_parts(path: str, given: str | None) -> list[tuple[str, Origin]]:
    """Give the name and origin of each file that `path` stands for, sorted.

    Parameters
    ----------
    path : str
        A file, a folder or a glob.
    given : str or None
        The format that the user named; else folders hold Parquet.

    Returns
    -------
    list of (str, Origin)
        The name is the path within the folder, `""` for a single file.

    Raises
    ------
    UsageProblem, DataProblem
        If there is nothing there, or nothing that can be read.
    """
    if is_glob(path):
        return _matching(path)
    place = Path(path)
    check_exists(place)
    if place.is_dir():
        return _inside(place, given or FOLDER_FORMAT)
    return [("", file_origin(place, place.name))]


def _matching(pattern: str) -> list[tuple[str, Origin]]:
    found = sorted(glob.glob(pattern, recursive=True))
    files = [Path(name) for name in found if not os.path.isdir(name)]
    if not files:
        raise UsageProblem(
            f"no file matches '{pattern}'", hint="check the pattern; keep its quotes"
        )
    steps = Path(pattern).parts
    fixed = next(n for n, step in enumerate(steps) if any(m in step for m in MAGIC))
    base = Path(*steps[:fixed])
    names = [file.relative_to(base).as_posix() for file in files]
    return [(n, file_origin(f, n)) for n, f in zip(names, files, strict=True)]


def _inside(folder: Path, kind: str) -> list[tuple[str, Origin]]:
    # Names that begin with a dot or an underscore are notes of other programs.
    found = sorted(
        name
        for file in folder.rglob("*")
        if (name := file.relative_to(folder).as_posix()).lower().endswith(f".{kind}")
        and not any(step.startswith((".", "_")) for step in name.split("/"))
        and not file.is_dir()
    )
    if not found:
        raise DataProblem(
            f"the folder '{folder}' holds no .{kind} file",
            where=str(folder),
            expected="a folder of Parquet files",
            hint="name a file, or the format of the files with --in-format",
        )
    title = folder.name or folder.resolve().name
    return [(name, file_origin(folder / name, f"{title}/{name}")) for name in found]
