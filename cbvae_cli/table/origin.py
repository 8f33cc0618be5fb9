"""Where the bytes of a table come from: a file, or a stream."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from cbvae_cli.errors import DataProblem, UsageProblem

STANDARD_INPUT = "standard input"


@dataclass(frozen=True)
class Origin:
    """Bytes that can be opened, and perhaps opened again.

    Attributes
    ----------
    label : str
        What messages call it.
    open : callable
        Gives the bytes from their beginning.
    size : int or None
        Bytes in all, if known.
    rereadable : bool
        `open` may be called again.
    seekable : bool
    close : callable
        Lets go of what is kept between two openings.
    """

    label: str
    open: Callable[[], BinaryIO]
    size: int | None
    rereadable: bool = True
    seekable: bool = True
    close: Callable[[], None] = field(default=lambda: None)


def file_origin(path: Path, label: str) -> Origin:
    """Make an origin of a regular file.

    Raises
    ------
    UsageProblem
        If there is no such file, or it may not be read.
    DataProblem
        If it is something else, such as a pipe or a device.
    """
    check_exists(path)
    if not path.is_file():
        raise DataProblem(
            f"'{path}' is not a regular file",
            expected="a file, a folder of Parquet files, or - for standard input",
            hint=f"pass it as standard input: cbvae … - < {path}",
        )
    if not os.access(path, os.R_OK):
        raise UsageProblem(
            f"'{path}' may not be read", hint="check the permissions of the file"
        )
    return Origin(label, lambda: path.open("rb"), path.stat().st_size)


def check_exists(path: Path) -> None:
    """Refuse a path where nothing is.

    Raises
    ------
    UsageProblem
        Naming the path.
    """
    try:
        found = path.exists()
    except (OSError, ValueError) as error:
        raise UsageProblem(f"'{path}' cannot be opened: {error}") from error
    if not found:
        raise UsageProblem(
            f"there is no file '{path}'",
            hint="check the path; put a glob in quotes",
        )


def stream_origin(stream: BinaryIO) -> Origin:
    """Make an origin of a stream that can be read once and is not closed."""
    return Origin(
        STANDARD_INPUT,
        lambda: cast(BinaryIO, _Kept(stream)),
        size=None,
        rereadable=False,
        seekable=False,
    )


def spooled(stream: BinaryIO) -> BinaryIO:
    """Copy a stream to a temporary file, gone when closed or when we die."""
    try:
        spool = tempfile.TemporaryFile()
    except OSError as error:
        raise UsageProblem(
            f"there is no place for a temporary file: {error.strerror or error}",
            hint="name a folder that may be written to in TMPDIR",
        ) from error
    try:
        shutil.copyfileobj(stream, spool, 1 << 20)
        spool.flush()
    except BaseException:
        spool.close()
        raise
    return spool


def spooled_origin(stream: BinaryIO) -> Origin:
    """Make an origin of a copy of a stream, read by one reader at a time."""
    spool = spooled(stream)

    def reopened() -> BinaryIO:
        spool.seek(0)
        return os.fdopen(os.dup(spool.fileno()), "rb")

    return Origin(STANDARD_INPUT, reopened, spool.tell(), close=spool.close)


class _Kept:
    """A stream that survives being closed."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.closed = False

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(size)

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True
