"""Rows into a folder: a file for each file of the input."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import pyarrow as pa

from cbvae_cli.table.aside import AsideFolder, close_whole
from cbvae_cli.table.formats import FOLDER_FORMAT, ending_format, without_ending
from cbvae_cli.table.sink_base import FormatStream, Sink, told

ONLY_PART = "part-0"
"""File within an output folder when the input has no files of its own."""


class FolderSink(Sink):
    """A folder with a file for each file of the input."""

    def __init__(
        self, path: str, given: str | None, schema: pa.Schema, parts: Sequence[str]
    ) -> None:
        self._path = path
        self._given = given
        self._schema = schema
        self._waiting = list(parts) or [""]
        self._open: tuple[str, BinaryIO, FormatStream] | None = None
        with told(path):
            self._aside = AsideFolder(Path(path))

    def write(self, rows: pa.RecordBatch, part: str = "") -> None:
        """Append rows to the file of their part; parts come one after the other."""
        with told(self._path):
            if self._open is None or self._open[0] != part:
                self._turn_to(part)
            assert self._open is not None
            self._open[2].write(rows)

    def finish(self) -> None:
        """Put the whole folder in place."""
        with told(self._path):
            # Files of the input without a row have their files here too.
            while self._waiting:
                self._turn_to(self._waiting[0])
            self._end_part()
            self._aside.commit()

    def abort(self) -> None:
        """Remove what was written; an old folder stays as it was."""
        if self._open is not None:
            _, file, stream = self._open
            stream.drop()
            with contextlib.suppress(OSError):
                file.close()
        self._aside.abort()

    def _turn_to(self, part: str) -> None:
        self._end_part()
        name, kind = part_file(part, self._given)
        file = self._aside.create(name)
        try:
            stream = FormatStream(file, kind, self._schema)
        except BaseException:
            file.close()
            raise
        self._open = (part, file, stream)
        if part in self._waiting:
            self._waiting.remove(part)

    def _end_part(self) -> None:
        if self._open is not None:
            _, file, stream = self._open
            stream.end()
            close_whole(file)
            self._open = None


def part_file(part: str, given: str | None) -> tuple[str, str]:
    """Name the file for a part of the input, and its format."""
    kind = given or ending_format(part) or FOLDER_FORMAT
    name = part or ONLY_PART
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise ValueError(f"{name!r} leads out of the output folder")
    if ending_format(name) != kind:
        name = f"{without_ending(name)}.{kind}"
    return name, kind
