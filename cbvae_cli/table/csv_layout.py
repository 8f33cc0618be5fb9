r"""Where rows begin and end in CSV text, without reading its cells.

pyarrow parses cells fast but does not tell on which line of the file a row
stands. Here only quotes and line ends are looked at. The rules are pyarrow's:
a quote counts at the start of a cell only, a doubled quote stays inside it,
and `\n`, `\r\n` and a lone `\r` end a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

QUOTE, FEED, RETURN = b'"'[0], b"\n"[0], b"\r"[0]


@dataclass(frozen=True)
class Layout:
    """The rows of a block of CSV text.

    Attributes
    ----------
    ends : int64 ndarray, shape (n_rows,)
        Offset just behind the line end of each whole row.
    lines : int64 ndarray, shape (n_rows,)
        Line on which each row begins, counted from 0 within the block.
    blank : bool ndarray, shape (n_rows,)
        True for a row that is an empty line.
    open_quote : int or None
        Offset of a quote that is not closed within the block.
    torn_quote : int or None
        Offset of a quoted cell that runs over line ends and has more text behind
        its closing quote: most likely one quote is missing, and rows are lost.
    """

    ends: np.ndarray
    lines: np.ndarray
    blank: np.ndarray
    open_quote: int | None
    torn_quote: int | None


def layout(block: bytes, delimiter: str, *, last: bool = False) -> Layout:
    """Find the rows of a block that begins at the start of a row.

    Parameters
    ----------
    block : bytes
    delimiter : str
        One ASCII character.
    last : bool
        The text ends with this block. Otherwise a carriage return at its very
        end may be the first half of a line end, and is left alone.
    """
    codes = np.frombuffer(block, np.uint8)
    breaks = _line_breaks(block, codes, last)
    opens, closes = _quoted(block, codes, delimiter)
    depth = np.searchsorted(opens, breaks) - np.searchsorted(closes, breaks)
    outside = depth == 0
    ends = breaks[outside] + 1
    begins = np.concatenate(([0], ends[:-1])) if ends.size else ends
    lines = np.flatnonzero(outside)
    lines = np.concatenate(([0], lines[:-1] + 1)) if lines.size else lines
    width = ends - begins
    # A row of two bytes is blank when they are one line end, "\r\n".
    two = (width == 2) & (codes[begins] == RETURN) if ends.size else width == 2
    unclosed = opens.size > closes.size
    return Layout(
        ends=ends,
        lines=lines,
        blank=(width == 1) | two,
        open_quote=int(opens[-1]) if unclosed else None,
        torn_quote=_torn(codes, breaks, opens, closes, delimiter),
    )


def whole_length(found: Layout) -> int:
    """Length of the part of a block that holds whole rows only."""
    return int(found.ends[-1]) if found.ends.size else 0


def _may_end(delimiter: str) -> np.ndarray:
    """Which bytes may stand beside a quote: shape (256,), bool."""
    allowed = np.zeros(256, dtype=bool)
    allowed[[ord(delimiter), FEED, RETURN, QUOTE]] = True
    return allowed


def _torn(
    codes: np.ndarray,
    breaks: np.ndarray,
    opens: np.ndarray,
    closes: np.ndarray,
    delimiter: str,
) -> int | None:
    behind = closes[: -1 if closes.size and closes[-1] + 1 == codes.size else None] + 1
    loose = np.flatnonzero(~_may_end(delimiter)[codes[behind]])
    inner = np.searchsorted(breaks, [opens[loose], closes[loose]])
    torn = loose[inner[0] < inner[1]]
    return int(opens[torn[0]]) if torn.size else None


def _line_breaks(block: bytes, codes: np.ndarray, last: bool) -> np.ndarray:
    """Offsets of the last byte of every line end."""
    feeds = codes == FEED
    if b"\r" not in block:
        return np.flatnonzero(feeds)
    returns = codes == RETURN
    lone = returns.copy()
    lone[:-1] &= ~feeds[1:]
    if not last:
        lone[-1] = False
    return np.flatnonzero(feeds | lone)


def _quoted(
    block: bytes, codes: np.ndarray, delimiter: str
) -> tuple[np.ndarray, np.ndarray]:
    """Offsets of opening and of closing quotes; the last may lack its partner."""
    quotes = np.flatnonzero(codes == QUOTE)
    opens, closes = quotes[0::2], quotes[1::2]
    if not opens.size:
        return opens, closes
    # Quotes pair off in order when each opening one starts a cell, or follows
    # a closing one directly (a doubled quote). A stray quote breaks that.
    before = opens - 1 if opens[0] else opens[1:] - 1
    if _may_end(delimiter)[codes[before]].all():
        return opens, closes
    return _quoted_slowly(block, delimiter)


def _quoted_slowly(block: bytes, delimiter: str) -> tuple[np.ndarray, np.ndarray]:
    """Pair quotes cell by cell: for text with quotes in the midst of cells."""
    at_start = rb"(?<![^\r\n" + re.escape(delimiter.encode()) + rb"])"
    cell = re.compile(at_start + rb'"[^"]*+(?:""[^"]*+)*+("?)')
    spans = [(hit.start(), hit.start(1), hit[1]) for hit in cell.finditer(block)]
    opens = np.array([begin for begin, _, _ in spans], dtype=np.int64)
    closes = np.array([end for _, end, quote in spans if quote], dtype=np.int64)
    return opens, closes
