"""What every sink does: rows in, whole at the end or gone."""

from __future__ import annotations

import contextlib
import errno
from abc import ABC, abstractmethod
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Self

import pyarrow as pa

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.outlet import Outlet
from cbvae_cli.table.writers import Writer, writer_of


class Sink(ABC):
    """Where rows go; made by `open_sink`, used in a `with` block.

    Leaving the block without an error makes the output whole and puts it in
    place. Leaving it with one removes all that was written.
    """

    @abstractmethod
    def write(self, rows: pa.RecordBatch, part: str = "") -> None:
        """Append rows.

        Parameters
        ----------
        rows : pa.RecordBatch
            Of the schema that the sink was opened with.
        part : str
            File of the input that the rows are from.

        Raises
        ------
        BrokenPipeError
            If the reader of standard output went away.
        UsageProblem
            If the system refuses, as when the disk is full.
        """

    @abstractmethod
    def finish(self) -> None:
        """Make the output whole and put it in place."""

    @abstractmethod
    def abort(self) -> None:
        """Remove what was written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.abort()
            return
        try:
            self.finish()
        except BaseException:
            self.abort()
            raise


class FormatStream:
    """A format being written to an open file."""

    def __init__(self, file: BinaryIO, kind: str, schema: pa.Schema) -> None:
        self._outlet = Outlet(file)
        self._schema = schema
        self._writer: Writer = writer_of(kind, self._outlet, schema)

    def write(self, rows: pa.RecordBatch) -> None:
        """Append rows; a schema other than the one promised is our own fault."""
        if not rows.schema.equals(self._schema):
            raise ValueError("rows do not have the schema of their sink")
        self._writer.write(rows)

    def end(self) -> None:
        """Write the end of the format."""
        self._writer.close()

    def drop(self) -> None:
        """Let the writer go without an ending that would make it look whole."""
        self._outlet.stop()
        with contextlib.suppress(Exception):
            self._writer.close()


@contextlib.contextmanager
def told(path: str) -> Iterator[None]:
    """Turn the system's refusals into a sentence; a broken pipe stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno is None:
            raise
        reason = error.strerror or errno.errorcode.get(error.errno, "")
        raise UsageProblem(
            f"'{path}' cannot be written: {reason}",
            hint="make room, or write to another place",
        ) from error
