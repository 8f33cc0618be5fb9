"""Read Parquet files, a few rows at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.origin import Origin


class ParquetReader:
    """Rows of one Parquet file.

    Parameters
    ----------
    origin : Origin
        Seekable.
    batch_rows : int
        Rows decoded at once.
    """

    text = False

    def __init__(self, origin: Origin, *, batch_rows: int) -> None:
        self._label = origin.label
        self._batch_rows = batch_rows
        self._read = 0
        self._raw = origin.open()
        try:
            # Buffered ahead, the bytes of every row group stay until the file's end.
            self._file = pq.ParquetFile(self._raw, pre_buffer=False)
            self.schema = self._file.schema_arrow
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            self._raw.close()
            raise self._damaged(error) from error
        try:
            self._check_counts(self._counted())
        except DataProblem:
            self.close()
            raise

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the rows in order."""
        try:
            for rows in self._file.iter_batches(self._batch_rows):
                # Bytes that lie about lengths would crash later, not here.
                rows.validate(full=True)
                self._read += rows.num_rows
                yield rows
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(error) from error
        self._check_counts(self._read)

    def place(self, row: int) -> str:
        """Name a row by its number from 1."""
        return f"row {row + 1}"

    def consumed(self) -> float | None:
        """Share of the rows read."""
        return self._read / max(int(self._file.metadata.num_rows), 1)

    def close(self) -> None:
        """Close the underlying file."""
        self._file.close()
        self._raw.close()

    def _counted(self) -> int:
        """Add up the rows that the groups of the file say they have."""
        about = self._file.metadata
        groups = range(about.num_row_groups)
        return sum(int(about.row_group(at).num_rows) for at in groups)

    def _check_counts(self, found: int) -> None:
        """Refuse a file that says of itself that it has another number of rows."""
        said = int(self._file.metadata.num_rows)
        if found != said:
            raise self._damaged(ValueError(f"it says {said} rows, and holds {found}"))

    def _damaged(self, error: Exception) -> DataProblem:
        reason = str(error).partition("\n")[0]
        return DataProblem(
            f"{self._label} cannot be read as Parquet",
            where=f"{self._label}, after row {self._read}: {reason}",
            expected="a whole Parquet file",
            hint="write the file again, or name the right --in-format",
        )
