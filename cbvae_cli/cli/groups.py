"""Options that come together, and how a verb takes them as one parameter."""

import dataclasses
import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cbvae_cli.cli.options import (
    BatchRows,
    Decimal,
    Delimiter,
    Device,
    Encoding,
    Engine,
    Force,
    InFormat,
    Json,
    MaxMemory,
    NoDefaultNulls,
    Null,
    OutFormat,
    Quiet,
    Seed,
    Threads,
    rows_to_stdout,
)
from cbvae_cli.errors import UsageProblem
from cbvae_cli.report.console import Talk
from cbvae_cli.report.machine import check_summary_file

if TYPE_CHECKING:
    import torch

    from cbvae_cli.table.reading import ReadOptions
    from cbvae_cli.table.targets import WriteOptions

BATCH_ROWS = 16_384
CELLS = 4 << 20  # of a batch on its way; fewer rows of wide tables are read at once
LEAST_WIDE = 128  # rows of them all the same: fewer cost more than they save
CELL_BYTES = 400  # that a cell of a batch costs on its way, all copies together
LEAST_BATCH = 64  # rows; with fewer at once a run crawls


@dataclass(frozen=True)
class Reading:
    """How a table is read."""

    in_format: InFormat = None
    null: Null = None
    no_default_nulls: NoDefaultNulls = False
    encoding: Encoding = None
    delimiter: Delimiter = None
    decimal: Decimal = "."
    batch_rows: BatchRows = None

    def options(
        self, n_columns: int = 0, max_memory: int | None = None, copies: int = 1
    ) -> "ReadOptions":
        """Give what the reader needs.

        Parameters
        ----------
        n_columns : int
            Columns that batches have, as far as known.
        max_memory : int, optional
            Bytes that a batch may take on its way.
        copies : int
            Times that each row is held on its way.

        Raises
        ------
        UsageProblem
            If memory is too little for `LEAST_BATCH` rows.
        """
        from cbvae_cli.table.reading import ReadOptions
        from cbvae_cli.table.wording import size

        row_cells = n_columns * max(copies, 1)
        wide = max(LEAST_WIDE, CELLS // row_cells) if row_cells else BATCH_ROWS
        most = self.batch_rows or min(BATCH_ROWS, wide)
        if max_memory is not None and n_columns:
            row_bytes = row_cells * CELL_BYTES
            if max_memory < LEAST_BATCH * row_bytes:
                raise UsageProblem(
                    f"--max-memory {size(max_memory)} is too little to read rows of "
                    f"{n_columns} columns",
                    expected=f"--max-memory {size(LEAST_BATCH * row_bytes)} or more, "
                    f"for {LEAST_BATCH} rows at once",
                )
            most = min(most, max_memory // row_bytes)
        return ReadOptions(
            format=self.in_format,
            nulls=tuple(self.null or ()),
            default_nulls=not self.no_default_nulls,
            batch_rows=most,
            encoding=self.encoding or "utf-8",
            delimiter=self.delimiter or ",",
            decimal=self.decimal,
        )


@dataclass(frozen=True)
class Writing:
    """How rows are written."""

    out_format: OutFormat = None
    force: Force = False

    def options(self, decimal: str = ".") -> "WriteOptions":
        """Give what the writer needs, with the decimal mark of the rows read."""
        from cbvae_cli.table.targets import WriteOptions

        return WriteOptions(self.out_format, self.force, decimal)


@dataclass(frozen=True)
class Compute:
    """Where and how fast work runs."""

    seed: Seed = 0
    threads: Threads = 0
    device: Device = "auto"
    engine: Engine = "local"
    max_memory: MaxMemory = None

    def prepare(self) -> "torch.device":
        """Set threads and give the device."""
        import pyarrow as pa
        import torch

        from cbvae_cli.cli.process import keep_freed_memory

        keep_freed_memory()
        if self.threads:
            torch.set_num_threads(self.threads)
            pa.set_cpu_count(self.threads)
        if self.device == "cuda" and not torch.cuda.is_available():
            raise UsageProblem(
                "there is no GPU that torch can use",
                hint="leave --device out, or use --device cpu",
            )
        found = self.device
        if found == "auto":
            found = "cuda" if torch.cuda.is_available() else "cpu"
        return torch.device(found)


@dataclass(frozen=True)
class Telling:
    """What is told of a run, and where."""

    json: Json = None
    quiet: Quiet = False

    def talk(self, output: str | None) -> Talk:
        """Give the voice of a verb whose rows go to `output`."""
        self._check()
        return Talk(self.quiet, self.json, rows_to_stdout(output))

    def talk_only(self) -> Talk:
        """Give the voice of a verb that makes no rows."""
        self._check()
        return Talk(self.quiet, self.json, rows_to_stdout=False)

    def _check(self) -> None:
        """Refuse a summary's file that cannot be one before any work is done."""
        if self.json is None:
            return
        if not os.path.isdir(os.path.dirname(self.json) or "."):
            raise UsageProblem(
                f"there is no folder to write the summary '{self.json}' into",
                hint="make the folder first",
            )
        check_summary_file(self.json)


def spread(function: Callable[..., None]) -> Callable[..., None]:
    """Spell out the groups among a verb's parameters as options of their own.

    A parameter annotated with one of the dataclasses above becomes its fields; the
    verb is called with the dataclass.
    """
    parameters = inspect.signature(function).parameters.values()
    groups: dict[str, Any] = {
        p.name: p.annotation
        for p in parameters
        if dataclasses.is_dataclass(p.annotation)
    }
    flat: list[inspect.Parameter] = []
    for parameter in parameters:
        if parameter.name not in groups:
            flat.append(parameter)
            continue
        flat += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=field.default,
                annotation=field.type,
            )
            for field in dataclasses.fields(groups[parameter.name])
        ]

    @functools.wraps(function)
    def spelt(**values: Any) -> None:
        for name, group in groups.items():
            fields = [field.name for field in dataclasses.fields(group)]
            values[name] = group(**{field: values.pop(field) for field in fields})
        function(**values)

    ordered = sorted(flat, key=lambda p: p.kind)
    # A function may carry a signature of its own; mypy does not know that.
    spelt.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined]
    spelt.__annotations__ = {p.name: p.annotation for p in ordered}
    return spelt
