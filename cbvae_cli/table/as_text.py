"""Columns of any type as text that reads back as the same value."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from cbvae_cli.errors import DataProblem
from cbvae_cli.table.wording import shown

WORDLESS = (TypeError, ValueError, OverflowError)
"""What Python raises of cells that it has no object or no word for."""


def as_text(array: pa.Array, name: str) -> pa.Array:
    """Give a column as strings; missing cells (null, NaN) stay null.

    Floats get the shortest digits that read back alike, moments ISO 8601,
    booleans `true` and `false`, lists and structs JSON.

    Parameters
    ----------
    array : pa.Array, length n
    name : str
        The column, for messages.

    Returns
    -------
    pa.StringArray, length n

    Raises
    ------
    DataProblem
        If the type has no text, as bytes that are not UTF-8.
    """
    kind = array.type
    try:
        if isinstance(array, pa.ExtensionArray):
            return as_text(array.storage, name)
        if pt.is_dictionary(kind):
            return as_text(array.dictionary_decode(), name)
        if pt.is_floating(kind):
            array = pc.if_else(pc.is_nan(array), pa.scalar(None, kind), array)
        if pt.is_date(kind):
            return _whole(array.cast(pa.string()))
        if pt.is_timestamp(kind):
            return _iso(_whole(array.cast(pa.string())))
        if pt.is_nested(kind):
            return pa.array(_json_cells(array), pa.string())
        return array.cast(pa.string())
    except (pa.ArrowException, *WORDLESS) as error:
        raise DataProblem(
            f"column {shown(name)} cannot be written as text",
            where=f"type {kind}: {str(error).partition(chr(10))[0]}",
            hint="write to .parquet or .arrow, or leave the column out",
        ) from error


def json_default(value: Any) -> str:
    """Write what JSON has no word for: moments in ISO 8601, decimals exactly."""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    if isinstance(value, bytes):
        raise TypeError("bytes have no text")
    return str(value)


def _json_cells(array: pa.Array) -> list[str | None]:
    def cell(value: Any) -> str | None:
        if value is None:
            return None
        return json.dumps(
            value, ensure_ascii=False, allow_nan=False, default=json_default
        )

    return list(map(cell, array.to_pylist()))


def _whole(text: pa.Array) -> pa.Array:
    """Refuse what Arrow writes in place of a date some ten thousand years off."""
    lost = pc.fill_null(pc.starts_with(text, "<"), False)
    if pc.any(lost, min_count=0).as_py():
        raise ValueError(text[pc.index(lost, True).as_py()].as_py().strip("<>"))
    return text


def _iso(text: pa.Array) -> pa.Array:
    """Turn `2020-01-01 04:00:00.000+0100` into `2020-01-01T04:00:00+01:00`."""
    text = pc.replace_substring(text, " ", "T", max_replacements=1)
    text = pc.replace_substring_regex(text, r"\.0+(Z|[+-]\d{4})?$", r"\1")
    return pc.replace_substring_regex(text, r"([+-]\d\d)(\d\d)$", r"\1:\2")
