"""Read newline-delimited JSON: an object a line, typed by the first block."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.origin import Origin
from cbvae_cli.table.text_blocks import TextBlocks
from cbvae_cli.table.wording import listed, shown

BLOCK = 4 << 20
LINE_MOST = 256 << 20
"""A line beyond this length is no row of a table."""

UNCONVERTIBLE = (pa.ArrowException, ValueError, OverflowError, TypeError)

Record = dict[str, Any]


class NdjsonReader:
    """Rows of one stream of JSON lines.

    The first block of lines settles columns and types. A key that a line lacks
    is a null; a key or a type that comes later is refused.
    """

    text = False

    def __init__(self, origin: Origin) -> None:
        self._label = origin.label
        self._raw = origin.open()
        self._size = origin.size
        try:
            self._blocks = TextBlocks(self._raw, "utf-8", origin.label)
            self._line = 1
            self._lines = self._line_blocks()
            self._first = self._next_records()
            if not self._first:
                raise DataProblem(
                    f"{self._label} is empty",
                    where=self._label,
                    expected="one JSON object a line",
                )
            self.schema = self._inferred(*self._first)
            self._type = pa.struct(list(self.schema))
        except BaseException:
            self.close()
            raise

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Give the rows in order, a block of text at a time."""
        block = self._first
        while block:
            records, numbers = block
            try:
                rows = self._converted(records)
            except UNCONVERTIBLE as error:
                raise self._clash(records, numbers, self._converted) from error
            yield pa.RecordBatch.from_struct_array(rows)
            block = self._next_records()

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

    def _line_blocks(self) -> Iterator[list[str]]:
        ahead = b""
        while more := self._blocks.read(max(BLOCK, len(ahead))):
            block = ahead + more
            cut = block.rfind(b"\n") + 1
            if not cut and len(block) > LINE_MOST:
                raise self._not_json("a line is too long", self._line, "")
            ahead = block[cut:]
            if cut:
                yield block[: cut - 1].decode().split("\n")
        if ahead:
            yield ahead.decode().split("\n")

    def _next_records(self) -> tuple[list[Record], Callable[[int], int]] | None:
        """Parse the next block that is not blank; also tell the lines of records."""
        for lines in self._lines:
            first = self._line
            self._line += len(lines)
            filled = list(filter(str.strip, lines))
            if not filled:
                continue

            def number(index: int, first: int = first, lines: list[str] = lines) -> int:
                kept = (at for at, line in enumerate(lines, first) if line.strip())
                return next(at for n, at in enumerate(kept) if n == index)

            return self._parsed(filled, number), number
        return None

    def _parsed(self, lines: list[str], number: Callable[[int], int]) -> list[Record]:
        try:
            records = list(map(json.loads, lines))
        except (ValueError, RecursionError):
            at, why = _first_bad(lines)
            raise self._not_json(why, number(at), lines[at]) from None
        if set(map(type, records)) != {dict}:
            at = [isinstance(record, dict) for record in records].index(False)
            raise self._not_json("not an object", number(at), lines[at])
        return records

    def _not_json(self, why: str, line: int, text: str) -> DataProblem:
        return DataProblem(
            f"{self._label} cannot be read as JSON lines: {why}",
            where=f"{self._label}, line {line}: {shown(text)}",
            expected="one JSON object a line",
            hint="correct the line, or name the right --in-format",
        )

    def _inferred(
        self, records: list[Record], number: Callable[[int], int]
    ) -> pa.Schema:
        names = list(dict.fromkeys(chain.from_iterable(records)))
        try:
            kind = pa.array(records).type
        except UNCONVERTIBLE as error:
            raise self._clash(records, number, pa.array) from error
        return pa.schema([(name, _settled(kind.field(name).type)) for name in names])

    def _converted(self, records: list[Record]) -> pa.StructArray:
        # Converting alone would cut 1.5 to 1 and drop unknown keys in silence.
        found = pa.array(records)
        if not _fits(found.type, self._type):
            raise ValueError(_misfit(found.type, self._type))
        return pa.array(records, self._type)

    def _clash(
        self,
        records: list[Record],
        number: Callable[[int], int],
        convert: Callable[[list[Record]], pa.Array],
    ) -> DataProblem:
        """Find the first line that does not go with the lines before it."""
        low, high = 0, len(records)
        while low < high - 1:
            middle = (low + high) // 2
            try:
                convert(records[:middle])
            except UNCONVERTIBLE:
                high = middle
            else:
                low = middle
        why = _why(records[high - 1 : high], convert(records[: high - 1]).type)
        return DataProblem(
            f"a line of {self._label} does not go with the lines before it",
            where=f"{self._label}, line {number(high - 1)}: {why}",
            expected="the same keys on each line, with values of one type each",
            hint="write whole columns alike, as 1.0 and 2.5, or use CSV",
        )


def _first_line(text: str) -> str:
    # pyarrow puts the value found into its sentence, near the beginning.
    return shown(text.partition("\n")[0], 78)[1:-1]


def _first_bad(lines: list[str]) -> tuple[int, str]:
    """Give the number of the first line that is no JSON, and why."""
    for at, line in enumerate(lines):
        try:
            json.loads(line)
        except json.JSONDecodeError as error:
            return at, f"{error.msg}, column {error.colno}"
        except (ValueError, RecursionError) as error:
            return at, _first_line(str(error))
    raise AssertionError("every line is JSON")


def _settled(kind: pa.DataType) -> pa.DataType:
    """Read columns that were only null so far as text."""
    if pt.is_null(kind):
        return pa.string()
    if pt.is_list(kind):
        return pa.list_(_settled(kind.value_type))
    if pt.is_struct(kind):
        return pa.struct([(field.name, _settled(field.type)) for field in kind])
    return kind


def _fits(found: pa.DataType, known: pa.DataType) -> bool:
    """Tell whether values of type `found` go into `known` without loss."""
    if found.equals(known) or pt.is_null(found):
        return True
    if pt.is_integer(found):
        return bool(pt.is_floating(known))
    if pt.is_list(found) and pt.is_list(known):
        return _fits(found.value_type, known.value_type)
    if pt.is_struct(found) and pt.is_struct(known):
        return all(
            known.get_field_index(field.name) >= 0
            and _fits(field.type, known.field(field.name).type)
            for field in found
        )
    return False


def _why(record: list[Record], known: pa.DataType) -> str:
    """Say why a record does not go with columns of the type `known`."""
    try:
        found = pa.array(record).type
    except UNCONVERTIBLE as error:
        return _first_line(str(error))
    return "" if _fits(found, known) else _misfit(found, known)


def _misfit(found: pa.StructType, known: pa.StructType) -> str:
    """Say which keys are new, or which column changed its type."""
    new = [field.name for field in found if known.get_field_index(field.name) < 0]
    if new:
        return f"new {'key' if len(new) == 1 else 'keys'} {listed(new)}"
    field = next(f for f in found if not _fits(f.type, known.field(f.name).type))
    was = known.field(field.name).type
    return f"{shown(field.name)} holds {field.type}, before it held {was}"
