"""Tables for a file or a pipe: aligned text, drawn without a library to load."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

WIDE = "WF"  # East Asian widths of signs that take two places


def plain_table(
    title: str,
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    to_the_right: Sequence[bool],
) -> Iterator[str]:
    """Give the lines of a table.

    Parameters
    ----------
    title : str
    names : sequence of str
    rows : sequence of sequences of str
        One cell a column; all of them printable.
    to_the_right : sequence of bool
        Which columns hold numbers.
    """
    columns = list(zip(names, *rows, strict=True))
    widths = [max(map(_places, cells)) for cells in columns]

    def line(cells: Sequence[str]) -> str:
        each = zip(cells, widths, to_the_right, strict=True)
        set_ = [_set(cell, width, right) for cell, width, right in each]
        return ("  " + "   ".join(set_)).rstrip()

    yield title
    yield line(names)
    yield " " + "─" * (sum(widths) + 3 * len(widths) - 1)
    yield from map(line, rows)
    yield ""


def _set(cell: str, width: int, right: bool) -> str:
    space = " " * (width - _places(cell))
    return space + cell if right else cell + space


def _places(cell: str) -> int:
    """Count the places that a text takes on a screen."""
    if cell.isascii():
        return len(cell)
    marks = sum(unicodedata.combining(sign) > 0 for sign in cell)
    wide = sum(unicodedata.east_asian_width(sign) in WIDE for sign in cell)
    return len(cell) - marks + wide
