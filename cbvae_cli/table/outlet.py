"""The open end that writers write to, kept apart from the file behind it."""

from __future__ import annotations

from typing import BinaryIO


class Outlet:
    """A file as pyarrow's writers see it: closing it leaves the file open.

    Writers close what they are given, and write an ending even when they are
    thrown away. After `stop` nothing reaches the file any more.

    Parameters
    ----------
    file : BinaryIO
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._stopped = False
        self.closed = False

    def stop(self) -> None:
        """Drop whatever is written from now on."""
        self._stopped = True

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`.

        An unbuffered file, as standard output under PYTHONUNBUFFERED, may take a
        part only: what is left goes in further turns.
        """
        left = memoryview(data)
        while len(left) and not self._stopped:
            left = left[self._file.write(left) or 0 :]
        return len(data)

    def writable(self) -> bool:
        """Tell that this can be written to."""
        return True

    def flush(self) -> None:
        """Do nothing: who opened the file flushes it."""

    def close(self) -> None:
        """Let go of the file without closing it."""
        self.closed = True
