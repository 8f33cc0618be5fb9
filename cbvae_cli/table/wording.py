"""Values and names inside messages: short, on one line, nothing raw."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cbvae_cli.nearest import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

COMMA = re.compile(r"[+-]?\d[\d.]*,\d+")

WIDTH = 60
"""Characters of a value that a message shows at most."""

HANDFUL = 12
"""Names that a message lists at most, where any of them would do."""

SIZES = {"GB": 10**9, "MB": 10**6, "KB": 10**3, "": 1}


def shown(value: object, width: int = WIDTH) -> str:
    r"""Quote a value for a message, cut to `width`, control characters escaped.

    Examples
    --------
    >>> print(shown("two\nlines"))
    'two\nlines'
    """
    text = str(value)
    cut = text if len(text) <= width else text[: width - 1] + "…"
    # One long value of escapes may still be five times as wide.
    quoted = repr(cut)
    return quoted if len(quoted) <= width + 2 else quoted[:width] + "…'"


def listed(names: Iterable[str], most: int = 5) -> str:
    """Quote and join names; beyond `most` the rest is counted."""
    quoted = [shown(name) for name in names]
    more = len(quoted) - most
    tail = f" and {more} more" if more > 0 else ""
    return ", ".join(quoted[:most]) + tail


def choice(known: Iterable[str]) -> str:
    """List a handful of names of which one was expected."""
    return "one of " + listed(known, HANDFUL)


def advice(
    word: str, known: Sequence[str], *, flag: str = "", otherwise: str = ""
) -> dict[str, str]:
    """Say what a name that is not known should have been.

    Parameters
    ----------
    word : str
        As it was given.
    known : sequence of str
    flag : str
        The flag that takes one name at a time, if `word` came by one.
    otherwise : str
        The hint where no known name is near.

    Returns
    -------
    dict
        `expected` and `hint`, for an error of `cbvae_cli.errors`.
    """
    names = [name.strip() for name in word.split(",")]
    if flag and len(names) > 1 and set(names) <= set(known):
        again = " ".join(f"{flag} {shlex.quote(name)}" for name in names)
        return {"expected": "one name a flag", "hint": again}
    return {"expected": choice(known), "hint": did_you_mean(word, known) or otherwise}


def with_comma(value: str) -> bool:
    """Tell whether a cell is a number with a decimal comma."""
    return bool(COMMA.fullmatch(value.strip()))


def misfit_hint(value: str) -> str:
    """Say what helps against a cell that is no number."""
    if with_comma(value) and "." in value:
        return "write numbers without thousands separators, and add --decimal ,"
    if with_comma(value):
        return "add --decimal , for a table whose numbers have a decimal comma"
    return f"add --null {shown(value)} to read that word as a missing cell"


def size(n_bytes: float) -> str:
    """Write bytes as `--max-memory` takes them, rounded up."""
    unit = next((u for u, each in SIZES.items() if n_bytes >= 10 * each), "")
    return f"{math.ceil(n_bytes / SIZES[unit]):d}{unit}"


def difference(known: pa.Schema, found: pa.Schema) -> str | None:
    """Say how the columns of `found` differ from those of `known`, or None."""
    if found.names == known.names and found.types == known.types:
        return None
    lacking = sorted(set(known.names) - set(found.names))
    more = sorted(set(found.names) - set(known.names))
    if lacking or more:
        pairs = (("lacks", lacking), ("adds", more))
        return " and ".join(f"{verb} {listed(names)}" for verb, names in pairs if names)
    if found.names != known.names:
        return "has its columns in another order"
    old, new = next(
        (a, b) for a, b in zip(known, found, strict=True) if a.type != b.type
    )
    return f"holds {new.type} in {shown(new.name)}, not {old.type}"
