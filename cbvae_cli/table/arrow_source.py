"""Read Arrow IPC: the stream format, and the file format by its first bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, TypeAlias, cast

import pyarrow as pa

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.origin import Origin, spooled

FILE_MAGIC = b"ARROW1"
PIECE = 16 << 20
"""Bytes that are asked of a file at once."""
Messages: TypeAlias = pa.RecordBatchStreamReader | pa.RecordBatchFileReader


class ArrowReader:
    """Rows of one Arrow IPC stream or file."""

    text = False

    def __init__(self, origin: Origin) -> None:
        self._label = origin.label
        self._size = origin.size
        self._read = 0
        self._raw = origin.open()
        try:
            self._raw, self._messages = _opened(self._raw, origin.seekable)
            self.schema = self._messages.schema
        except (pa.ArrowException, OSError) as error:
            self._raw.close()
            raise self._damaged(error) from error

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the rows in order, in the batches they were written in."""
        try:
            for rows in _each(self._messages):
                # Bytes that lie about lengths would crash later, not here.
                rows.validate(full=True)
                self._read += rows.num_rows
                yield rows
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error

    def place(self, row: int) -> str:
        """Name a row by its number from 1."""
        return f"row {row + 1}"

    def consumed(self) -> float | None:
        """Share of the bytes read, or None for a stream."""
        if not self._size:
            return None
        return min(self._raw.tell() / self._size, 1.0)

    def close(self) -> None:
        """Close the underlying file."""
        self._raw.close()

    def _damaged(self, error: Exception) -> DataProblem:
        reason = str(error).partition("\n")[0]
        return DataProblem(
            f"{self._label} cannot be read as Arrow IPC",
            where=f"{self._label}, after row {self._read}: {reason}",
            expected="a whole Arrow IPC stream",
            hint="write the file again, or name the right --in-format",
        )


class _Patient:
    """A file that takes memory for the bytes it has, not for those asked for.

    A stream may say of a message that it has 2**60 bytes, and Python's own files make
    room for all of them before they read the first.
    """

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw

    @property
    def closed(self) -> bool:
        return self._raw.closed

    def readable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def close(self) -> None:
        self._raw.close()

    def read(self, size: int = -1, /) -> bytes:
        if size <= PIECE:
            return self._raw.read(size)
        found = bytearray()
        while len(found) < size and (
            more := self._raw.read(min(PIECE, size - len(found)))
        ):
            found += more
        return bytes(found)


class _Joined:
    """Bytes already taken from a stream, then the stream."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest
        self.closed = False

    def read(self, size: int = -1, /) -> bytes:
        head = self._head.read(size)
        if size < 0:
            return head + self._rest.read()
        return head + self._rest.read(size - len(head)) if len(head) < size else head

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self.closed = True


def _opened(raw: BinaryIO, seekable: bool) -> tuple[BinaryIO, Messages]:
    """Give what is to be closed in the end, and the batches within."""
    head = raw.read(len(FILE_MAGIC))
    if not seekable:
        raw = cast(BinaryIO, _Joined(head, raw))
        if head != FILE_MAGIC:
            return raw, pa.ipc.open_stream(pa.PythonFile(_Patient(raw), mode="r"))
        # The file format is read from its end.
        raw = spooled(raw)
    raw.seek(0)
    source = pa.PythonFile(_Patient(raw), mode="r")
    is_file = head == FILE_MAGIC
    return raw, pa.ipc.open_file(source) if is_file else pa.ipc.open_stream(source)


def _each(messages: Messages) -> Iterator[pa.RecordBatch]:
    if isinstance(messages, pa.RecordBatchFileReader):
        return map(messages.get_batch, range(messages.num_record_batches))
    return iter(messages)
