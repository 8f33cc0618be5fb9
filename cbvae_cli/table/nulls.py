"""Which cells are missing: nulls, NaN and the words that stand for them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

DEFAULT_NULLS: frozenset[str] = frozenset(
    {
        "",
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "n/a",
        "nan",
        "null",
    }
)
"""Words of a text table that mean "missing", in any column.

They are pandas' words without `None`, which tables use as a category.
"""

LENIENT_NULLS: frozenset[str] = DEFAULT_NULLS | {"None"}
"""Words for columns of numbers, dates or booleans: there `None` is no category."""

EMPTY: frozenset[str] = frozenset({""})


def missing_mask(array: pa.Array, words: frozenset[str]) -> np.ndarray:
    """Mark the missing cells of a column.

    Parameters
    ----------
    array : pa.Array, length n
        Any type. Dictionary columns are judged by their values.
    words : frozenset of str
        Cells of text equal to one of these count as missing.

    Returns
    -------
    bool ndarray, shape (n,)
        True where the cell is null, NaN (floats) or one of `words` (text).
    """
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if pt.is_dictionary(array.type):
        return _dictionary_mask(array, words)
    missing = array.is_null(nan_is_null=pt.is_floating(array.type))
    if words and _is_text(array.type):
        if array.type == pa.string_view():
            array = array.cast(pa.string())
        known = pa.array(sorted(words), array.type)
        missing = pc.or_(missing, pc.is_in(array, value_set=known))
    return np.asarray(missing.to_numpy(zero_copy_only=False), dtype=bool)


def _dictionary_mask(array: pa.DictionaryArray, words: frozenset[str]) -> np.ndarray:
    of_value = missing_mask(array.dictionary, words)
    absent = np.asarray(array.indices.is_null().to_numpy(zero_copy_only=False))
    if of_value.size == 0:
        return absent.astype(bool)
    codes = array.indices.fill_null(0).to_numpy(zero_copy_only=False)
    return np.asarray(absent | of_value[codes], dtype=bool)


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pt.is_string(kind) or pt.is_large_string(kind) or kind == pa.string_view()
    )
