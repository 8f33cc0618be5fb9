"""Rows into a file, a folder or standard output, batch by batch."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from cbvae_cli.table.aside import AsideFile
from cbvae_cli.table.comma import COMMA, CommaSink, outgoing
from cbvae_cli.table.folder_sink import FolderSink
from cbvae_cli.table.formats import (
    STREAM_FORMAT,
    ending_format,
    format_of,
    holds_text,
)
from cbvae_cli.table.sink_base import FormatStream, Sink, told
from cbvae_cli.table.targets import (
    FLAG,
    WriteOptions,
    check_output,
    is_folder,
    is_special,
)

__all__ = ["Sink", "WriteOptions", "check_output", "open_sink"]


class _OpenSink(Sink):
    """Standard output, a pipe or a device: written to as the rows come.

    Nothing is written before the first rows: a run that fails on them leaves no
    header behind that would look like a table.
    """

    def __init__(
        self,
        file: BinaryIO,
        kind: str,
        schema: pa.Schema,
        name: str = "standard output",
    ) -> None:
        self._file = file
        self._kind = kind
        self._schema = schema
        self._name = name
        self._begun: FormatStream | None = None

    def write(self, rows: pa.RecordBatch, part: str = "") -> None:
        with told(self._name):
            self._stream().write(rows)

    def finish(self) -> None:
        with told(self._name):
            self._stream().end()
            self._file.flush()

    def abort(self) -> None:
        if self._begun is not None:
            self._begun.drop()

    def _stream(self) -> FormatStream:
        if self._begun is None:
            self._begun = FormatStream(self._file, self._kind, self._schema)
        return self._begun


class _FileSink(Sink):
    def __init__(self, path: str, kind: str, schema: pa.Schema) -> None:
        self._path = path
        with told(path):
            self._aside = AsideFile(Path(path))
            try:
                self._stream = FormatStream(self._aside.file, kind, schema)
            except BaseException:
                self._aside.abort()
                raise

    def write(self, rows: pa.RecordBatch, part: str = "") -> None:
        with told(self._path):
            self._stream.write(rows)

    def finish(self) -> None:
        with told(self._path):
            self._stream.end()
            self._aside.commit()

    def abort(self) -> None:
        self._stream.drop()
        self._aside.abort()


class _DeviceSink(_OpenSink):
    """A pipe or device by its path."""

    def __init__(self, path: str, kind: str, schema: pa.Schema) -> None:
        with told(path):
            file = open(path, "wb")
        super().__init__(file, kind, schema, path)

    def finish(self) -> None:
        super().finish()
        self._file.close()

    def abort(self) -> None:
        super().abort()
        with contextlib.suppress(OSError):
            self._file.close()


def open_sink(
    path: str | None,
    schema: pa.Schema,
    options: WriteOptions,
    *,
    parts: Sequence[str] = (),
) -> Sink:
    """Open an output for writing.

    Parameters
    ----------
    path : str or None
        A file, or a folder: one that ends in `/` or exists, or any name without
        a known ending when the input has `parts`. None or `-` is standard output.
    schema : pa.Schema
        Of all rows to come.
    options : WriteOptions
    parts : sequence of str
        `Source.parts` of the input: the names of the files in a folder.

    Raises
    ------
    UsageProblem
        See `check_output`.
    DataProblem
        If the format cannot hold the schema.
    """
    parts = [part for part in parts if part]
    check_output(path, options, parts=parts)
    if options.decimal == COMMA:
        as_words = holds_text(path, options.format)
        inner = _opened(path, outgoing(schema, as_words), options, parts)
        return CommaSink(inner, schema, as_words)
    return _opened(path, schema, options, parts)


def _opened(
    path: str | None, schema: pa.Schema, options: WriteOptions, parts: Sequence[str]
) -> Sink:
    if path is None or path == "-":
        kind = options.format or STREAM_FORMAT
        return _OpenSink(sys.stdout.buffer, kind, schema)
    if is_folder(path, options, parts):
        return FolderSink(path, options.format, schema, parts)
    if is_special(Path(path)):
        kind = options.format or ending_format(path) or STREAM_FORMAT
        return _DeviceSink(path, kind, schema)
    return _FileSink(path, format_of(path, options.format, FLAG), schema)
