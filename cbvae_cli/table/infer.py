"""Deciding each column's kind from one pass over the training table."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cbvae_cli.table import cells as reading
from cbvae_cli.table.boolean import PAIRS, Boolean
from cbvae_cli.table.category import MOST, RARE_BELOW, Category
from cbvae_cli.table.count import Count
from cbvae_cli.table.kind import Kind
from cbvae_cli.table.moment import ISO, OFFSET, Moment
from cbvae_cli.table.number import Integer, Number
from cbvae_cli.table.scale import UNFITTED
from cbvae_cli.table.scan import ColumnScan
from cbvae_cli.table.schema import Column
from cbvae_cli.table.wording import with_comma

MOST_COUNT = 50  # a column that goes higher is an integer, not a count
MOST_DECIMALS = 6  # more digits than that are no lattice
FEW_ROWS = 50  # below, nothing can be said about identifiers
ID_NAME = re.compile(
    r"(^|[_\-. ])(id|uuid|guid|key|index|nr|no|number|udi)$|^unnamed|Id$|ID$",
)


@dataclass(frozen=True)
class Finding:
    """What was found out about one column.

    Attributes
    ----------
    column : Column
        With a kind still to be fitted, where it is modelled.
    warning : str
        One sentence for the user, or empty.
    """

    column: Column
    warning: str = ""


def infer(scan: ColumnScan, override: str | None) -> Finding:
    """Decide what a column is.

    Parameters
    ----------
    scan : ColumnScan
    override : str or None
        Kind that the user asked for: `"numeric"` or `"categorical"`.

    Returns
    -------
    Finding
    """
    if reading.is_opaque(scan.type):
        column = Column(scan.name, "unsupported", None, str(scan.type))
        return Finding(column, f"column '{scan.name}' holds {scan.type}; left out")
    if pa.types.is_temporal(scan.type):
        override = None  # neither names nor numbers
    holds_numbers = override != "categorical" and _is_number(scan, override)
    holds_moments = override != "categorical" and _is_moment(scan)
    missing, infinite = scan.missing, 0
    if holds_numbers or holds_moments:
        missing, infinite = scan.lenient_missing, scan.infinite
    if missing + infinite >= scan.rows:
        return Finding(Column(scan.name, "empty", None, str(_storage(scan, None))))
    if override == "categorical":
        return _category(scan, override)
    constant = _constant(scan, holds_numbers)
    if constant is not None:
        storage = str(_storage(scan, None))
        return Finding(Column(scan.name, "constant", None, storage, constant))
    if holds_moments:
        return _moment(scan)
    pair = _pair(scan) if override is None else None
    if pair is not None:
        kind = Boolean(*pair, storage=str(_storage(scan, pair)))
        return Finding(Column(scan.name, "modelled", kind, kind.storage))
    if holds_numbers:
        return _number(scan)
    return _category(scan, override)


def _constant(scan: ColumnScan, holds_numbers: bool) -> str | None:
    """Give the one value of a column, or None where it has several."""
    names = [str(name) for name in scan.names.most_common()[0]]
    if len(names) == 1:
        return names[0]
    if not (holds_numbers and scan.low == scan.high):
        return None
    # One number spelt in two ways, or beside infinities and the word None.
    return next(name for name in names if _is_finite(name))


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is_number(scan: ColumnScan, override: str | None) -> bool:
    if pa.types.is_temporal(scan.type) or scan.lenient_missing >= scan.rows:
        return False
    if scan.misfits:
        return False
    return override == "numeric" or not (scan.is_text and scan.leading_zero)


def _is_moment(scan: ColumnScan) -> bool:
    if pa.types.is_temporal(scan.type):
        return True
    return bool(scan.misfits and scan.patterns)


def _storage(scan: ColumnScan, pair: tuple[str, str] | None) -> pa.DataType:
    """Choose the type that a text column takes in typed files."""
    kind = scan.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if not scan.is_text:
        return kind
    if scan.typed:
        return pa.string()
    if pair is not None and pair[0].lower() == "false":
        return pa.bool_()
    if scan.misfits or scan.leading_zero or scan.lenient_missing >= scan.rows:
        return pa.string()
    whole = scan.decimals[1] == 0 and scan.whole and not scan.exponent
    return pa.int64() if whole and _fits_int64(scan) else pa.float64()


def _fits_int64(scan: ColumnScan) -> bool:
    return scan.low > -(2.0**63) and scan.high < 2.0**63


def _pair(scan: ColumnScan) -> tuple[str, str] | None:
    """Find the two words of a boolean column, as they are mostly written."""
    if pa.types.is_boolean(scan.type):
        return "false", "true"
    names, _ = scan.names.most_common()
    texts = [str(name) for name in names if str(name) != "None"]
    lowered = {text.lower() for text in texts}
    for false, true in PAIRS:
        if lowered == {false, true}:
            first = {text.lower(): text for text in reversed(texts)}
            return first[false], first[true]
    return None


def _number(scan: ColumnScan) -> Finding:
    storage = str(_storage(scan, None))
    column = Column(scan.name, "modelled", _number_kind(scan, storage), storage)
    if scan.rows >= FEW_ROWS and scan.whole and not scan.lenient_missing:
        _, counts = scan.numbers.most_common()
        if scan.increasing or (ID_NAME.search(scan.name) and counts[0] == 1):
            warning = (
                f"column '{scan.name}' looks like an identifier but is modelled as a "
                f"number; --exclude '{scan.name}' leaves it out"
            )
            return Finding(column, warning)
    return Finding(column)


def _number_kind(scan: ColumnScan, storage: str) -> Kind:
    if scan.whole:
        fixed = scan.is_text and scan.decimals[0] == scan.decimals[1]
        zeros = scan.decimals[1] if fixed and not scan.exponent else 0
        if _is_count(scan):
            return Count(0.0, 1.0, 0.0, 0.0, storage, zeros=zeros)
        return Integer(UNFITTED, 0.0, 0.0, 0, fixed, storage, zeros)
    decimals, fixed = None, False
    if scan.is_text and not scan.exponent and scan.decimals[1] <= MOST_DECIMALS:
        decimals, fixed = scan.decimals[1], scan.decimals[0] == scan.decimals[1]
    elif not scan.is_text:
        decimals = _lattice(scan)
    return Number(UNFITTED, 0.0, 0.0, decimals, fixed, storage)


def _lattice(scan: ColumnScan) -> int | None:
    """Find how many digits typed floats have after the point, from their tally."""
    values, _ = scan.numbers.most_common()
    numbers = [float(str(value)) for value in values]
    for digits in range(1, MOST_DECIMALS):
        if all(round(number, digits) == number for number in numbers):
            return digits
    return None


def _is_count(scan: ColumnScan) -> bool:
    """Tell a count (most rows low, a thin tail upwards) from other small integers."""
    if scan.low not in (0.0, 1.0) or scan.high > MOST_COUNT:
        return False
    values, counts = scan.numbers.most_common()
    by_value: Mapping[object, int] = dict(zip(values, counts, strict=True))
    total = sum(counts)
    low = sum(n for value, n in by_value.items() if float(str(value)) <= scan.high / 4)
    top = by_value.get(scan.high, 0)
    return len(values) > 3 and low >= total / 2 and top <= total / 50


def _moment(scan: ColumnScan) -> Finding:
    storage, pattern, written = str(scan.type), ISO, _typed_pattern(scan)
    if scan.is_text:
        pattern = scan.patterns[0]
        dates = scan.moment_step >= 86400 and ":" not in scan.moment_text
        storage = "date32[day]" if dates else "timestamp[us]"
        storage = "string" if scan.typed else storage
        written = (
            pattern
            if pattern != ISO
            else _iso_pattern(scan.moment_text, scan.moment_step)
        )
    kind = Moment(UNFITTED, 0.0, 0.0, pattern, written, scan.moment_step, storage)
    if scan.low == scan.high:
        text = kind.render(np.array([scan.low]), text=True)[0].as_py()
        # Without a kind nothing knows the pattern that would read it as a moment.
        storage = "string" if scan.is_text else storage
        return Finding(Column(scan.name, "constant", None, storage, str(text)))
    return Finding(Column(scan.name, "modelled", kind, storage))


def _typed_pattern(scan: ColumnScan) -> str:
    """Give the way of writing moments of an Arrow type as text."""
    if pa.types.is_time(scan.type):
        return "%H:%M:%S"
    if pa.types.is_date(scan.type) or scan.moment_step >= 86400:
        return "%Y-%m-%d"
    zoned = pa.types.is_timestamp(scan.type) and scan.type.tz is not None
    return "%Y-%m-%dT%H:%M:%S" + ("Z" if zoned else "")


def _iso_pattern(first: str, step: float) -> str:
    """Give the pattern of the first moment, with a clock if any moment has one."""
    if ":" not in first:
        return "%Y-%m-%d" if step >= 86400 else "%Y-%m-%d %H:%M:%S"
    joint = "T" if "T" in first else " "
    zone = OFFSET.search(first)
    bare = first.removesuffix(zone[0]) if zone else first
    clock = "%H:%M:%S" if bare.count(":") > 1 else "%H:%M"
    return f"%Y-%m-%d{joint}{clock}{zone[0] if zone else ''}"


def _category(scan: ColumnScan, override: str | None) -> Finding:
    values, counts = scan.names.most_common()
    seen = scan.rows - scan.missing
    kept = [str(v) for v, n in zip(values, counts, strict=True) if n >= RARE_BELOW]
    storage = str(_storage(scan, None))
    if override == "categorical" and scan.is_text and scan.misfits:
        storage = "string"
    if not kept:
        column = Column(scan.name, "identifier", None, storage)
        # One stray word among measurements must not pass for an identifier.
        stray = _nearly_numbers(scan)
        left_out = (
            f"column '{scan.name}' looks like an identifier and is left out; "
            f"--exclude '{scan.name}' silences this"
        )
        if override == "categorical":
            left_out = (
                f"column '{scan.name}' is left out in spite of --categorical: no name "
                f"in it is held by {RARE_BELOW} rows"
            )
        commas = _decimal_commas(scan, "left out")
        return Finding(column, commas or stray or left_out)
    kept = kept[:MOST]
    rare = not scan.names.complete or sum(counts[: len(kept)]) < seen
    kind = Category(tuple(kept), rare, storage)
    column = Column(scan.name, "modelled", kind, storage)
    told = _decimal_commas(scan, "read as names") or _nearly_numbers(scan)
    return Finding(column, told if override is None else "")


def _decimal_commas(scan: ColumnScan, fate: str) -> str:
    """Warn of numbers that are written with a decimal comma."""
    names = [str(name) for name in scan.names.most_common()[0][:1000]]
    if sum(map(with_comma, names)) < 0.9 * len(names):
        return ""
    return (
        f"column '{scan.name}' looks like numbers with a decimal comma (as "
        f"{names[0][:60]!r}) and is {fate}; --decimal , reads them"
    )


def _nearly_numbers(scan: ColumnScan) -> str:
    """Warn of a column of numbers that a few words turn into names."""
    seen = scan.rows - scan.missing
    if scan.first_misfit is None or 2 * scan.misfits >= seen:
        return ""
    word = scan.first_misfit[1]
    shown = repr(word if len(word) <= 60 else word[:57] + "...")
    return (
        f"column '{scan.name}' is read as names because {scan.misfits} of its cells "
        f"are no numbers (first: {shown}); --null {shown} reads such cells as missing"
    )
