"""Arrow cells to numbers and text, column by column, with the first misfit named."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

HUGE = 1e150
"""Numbers beyond count as infinite: their squares would be."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NUMBER = (
    r"^\s*[+-]?(\d+\.?\d*([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?|(?i:inf(inity)?))\s*$"
)


@dataclass(eq=False)  # not frozen: Python writes a traceback into what is raised
class BadCell(Exception):
    """A cell that does not fit its column.

    Attributes
    ----------
    row : int
        Position within the array that was parsed.
    value : str
        The cell as text.
    expected : str
        What a fitting cell looks like.
    """

    row: int
    value: str
    expected: str


def is_text(kind: pa.DataType) -> bool:
    """Tell whether cells of an Arrow type are text, dictionaries of text included."""
    if pa.types.is_dictionary(kind):
        return is_text(kind.value_type)
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
    )


def is_opaque(kind: pa.DataType) -> bool:
    """Tell whether cells of an Arrow type are no values that could be modelled."""
    return bool(
        pa.types.is_nested(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_interval(kind)
        or isinstance(kind, pa.BaseExtensionType)
    )


def plain(cells: pa.Array) -> pa.Array:
    """Undo dictionary encoding and wide or view text types."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.dictionary_decode()
    if is_text(cells.type) and not pa.types.is_string(cells.type):
        cells = cells.cast(pa.string())
    return cells


def without(cells: pa.Array, missing: Bools) -> pa.Array:
    """Set the missing cells to null."""
    if not missing.any():
        return cells
    return pc.if_else(pa.array(missing), pa.scalar(None, cells.type), cells)


def first_misfit(fits: pa.Array, cells: pa.Array, expected: str) -> BadCell:
    """Describe the first non-null cell for which `fits` is False."""
    bad = pc.fill_null(pc.invert(fits), False)
    row = pc.index(bad, True).as_py()
    return BadCell(row, spelt(cells, row), expected)


def spelt(cells: pa.Array, row: int) -> str:
    """Write one cell for a message, moments too that Python has no object for."""
    cell = cells[row]
    try:
        return str(cell.as_py())
    except (OverflowError, ValueError):
        return f"{cell.value} in {cells.type}"


def numbers(cells: pa.Array, missing: Bools) -> Floats:
    """Read cells of any number-like type as float64.

    Parameters
    ----------
    cells : pa.Array, shape (n_rows,)
    missing : bool array, shape (n_rows,)

    Returns
    -------
    float64 array, shape (n_rows,)
        NaN where missing; infinities are kept, for the caller to count, and numbers
        beyond `HUGE` are among them.

    Raises
    ------
    BadCell
        At the first cell that is no number.
    """
    cells = without(plain(cells), missing)
    kind = cells.type
    if pa.types.is_string(kind):
        cells = _numbers_of_text(cells)
    elif pa.types.is_boolean(kind):
        cells = cells.cast(pa.uint8())
    elif pa.types.is_decimal(kind):
        # Arrow's own cast to float64 misses the nearest number by a bit.
        cells = cells.cast(pa.string())
    elif pa.types.is_temporal(kind) or pa.types.is_nested(kind):
        seen = pc.is_null(cells)
        if pc.all(seen, min_count=0).as_py():
            return np.full(len(cells), np.nan)
        raise first_misfit(seen, cells, "a number or a missing cell")
    floats = cells.cast(pa.float64(), safe=False)
    values = np.array(floats.to_numpy(zero_copy_only=False), dtype=np.float64)
    values[values > HUGE] = np.inf
    values[values < -HUGE] = -np.inf
    return values


def _numbers_of_text(cells: pa.Array) -> pa.Array:
    try:
        return cells.cast(pa.float64())
    except pa.ArrowInvalid:
        pass
    fits = pc.match_substring_regex(cells, NUMBER)
    if not pc.all(pc.fill_null(fits, True), min_count=0).as_py():
        raise first_misfit(fits, cells, "a number or a missing cell")
    bare = pc.utf8_ltrim(pc.utf8_trim_whitespace(cells), "+")
    return bare.cast(pa.float64())


def texts(cells: pa.Array, missing: Bools) -> pa.Array:
    """Read cells of any scalar type as text, whole floats without `.0`.

    Returns
    -------
    pa.StringArray, shape (n_rows,)
        Null where missing.
    """
    cells = without(plain(cells), missing)
    if pa.types.is_string(cells.type):
        return cells
    if pa.types.is_floating(cells.type):
        return pc.replace_substring_regex(
            cells.cast(pa.string()), pattern=r"\.0$", replacement=""
        )
    return cells.cast(pa.string())


def without_point_zero(text: pa.Array) -> pa.Array:
    """Write whole numbers without `.0`, other text as it is."""
    return pc.replace_substring_regex(
        text, pattern=r"^([+-]?\d+)\.0+$", replacement=r"\1"
    )


def places(text: pa.Array, known: pa.Array) -> pa.Array:
    """Look words up, shape (n_rows,), null where there is no such word.

    A word that is not known is tried without `.0`: pandas writes whole numbers so
    once a cell of their column is missing.
    """
    found = pc.index_in(text, known)
    if found.null_count > text.null_count:
        found = pc.coalesce(found, pc.index_in(without_point_zero(text), known))
    return found


def strings_of_numbers(values: Floats, decimals: int | None) -> pa.Array:
    """Write numbers as text.

    Parameters
    ----------
    values : float64 array, shape (n_rows,)
    decimals : int or None
        That many digits after the point; None: as many as it takes to read the
        same number back.

    Returns
    -------
    pa.StringArray, shape (n_rows,)
        Null where a value is NaN.
    """
    array = pa.array(values, from_pandas=True)
    if decimals is None:
        return array.cast(pa.string())
    if decimals == 0 and np.all(np.abs(values[np.isfinite(values)]) < 2**62):
        return pc.round(array).cast(pa.int64()).cast(pa.string())
    try:
        return array.cast(pa.decimal128(38, decimals)).cast(pa.string())
    except pa.ArrowInvalid:
        return array.cast(pa.string())
