"""Refuse an output before any work is done for it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.formats import checked_format, ending_format, format_of

FLAG = "--out-format"


@dataclass(frozen=True)
class WriteOptions:
    """How a table is written.

    Attributes
    ----------
    format : str or None
        One of `formats.FORMATS`; None goes by the ending, CSV on standard output.
    force : bool
        Replace what is there.
    decimal : str
        `.` or `,`: the mark of the numbers in text.
    """

    format: str | None = None
    force: bool = False
    decimal: str = "."


def is_folder(path: str, options: WriteOptions, parts: Sequence[str]) -> bool:
    """Tell whether an output is a folder of files rather than one."""
    if path.endswith("/") or os.path.isdir(path):
        return True
    return any(parts) and ending_format(path) is None and options.format is None


def check_output(
    path: str | None, options: WriteOptions, *, parts: Sequence[str] = ()
) -> None:
    """Refuse an output that cannot be written.

    Parameters
    ----------
    path : str or None
        A file or folder; None or `-` is standard output.
    options : WriteOptions
    parts : sequence of str
        Names of the input's files, where it is a folder.

    Raises
    ------
    UsageProblem
        If it is there already and `force` is off, if its folder is missing or
        may not be written to, if its ending names no format.
    """
    checked_format(options.format, FLAG)
    if path is None or path == "-":
        return
    if not path:
        raise UsageProblem("the output has no name", hint="name a file after -o")
    folder = is_folder(path, options, parts)
    target = Path(os.path.realpath(path))
    if folder:
        _check_folder(path, target, options)
    elif is_special(target):
        return
    else:
        format_of(path, options.format, FLAG)
        if target.exists() and not options.force:
            raise _taken(path)
    check_parent(path, target.parent)


def is_special(target: Path) -> bool:
    """Tell whether `target` is a pipe or a device: written to, never replaced."""
    return target.exists() and not target.is_file() and not target.is_dir()


def check_parent(path: str, parent: Path) -> None:
    """Refuse an output whose folder is missing or may not be written to."""
    if not parent.is_dir():
        raise UsageProblem(
            f"there is no folder '{parent}' to write '{path}' into",
            hint="make the folder first",
        )
    if not os.access(parent, os.W_OK | os.X_OK):
        raise UsageProblem(
            f"the folder '{parent}' may not be written to",
            hint="choose another folder, or change its permissions",
        )
    try:
        os.lstat(path)
    except FileNotFoundError:
        pass
    except OSError as error:  # a name longer than the system takes
        raise UsageProblem(
            f"'{path}' cannot be written: {error.strerror}", hint="name another file"
        ) from None


def _check_folder(path: str, target: Path, options: WriteOptions) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise UsageProblem(
            f"'{path}' is a file, not a folder", hint="name another folder"
        )
    if not any(target.iterdir()):
        return
    if not options.force:
        raise _taken(path)
    # A slip such as `-o . --force` must not cost a whole folder of other things.
    foreign = next((file for file in target.rglob("*") if _is_foreign(file)), None)
    if foreign is not None:
        raise UsageProblem(
            f"'{path}' holds other things than tables, so it is not replaced",
            where=str(foreign),
            hint="name a folder of its own for the output",
        )


def _is_foreign(file: Path) -> bool:
    note = file.name.startswith(("_", ".")) and file.is_file()
    return not (file.is_dir() or note or ending_format(file.name))


def _taken(path: str) -> UsageProblem:
    return UsageProblem(
        f"'{path}' exists already", hint="add --force to replace it, or name another"
    )
