"""Values and names inside messages: short, on one line, nothing raw."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

WIDTH = 60
"""Characters of a value that a message shows at most."""


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
