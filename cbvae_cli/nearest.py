"""Which known name a misspelt one was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Give the known name that is spelt most like a word; None where none is near.

    Case and spaces around names do not count. Numbers have no near ones: class 7 is
    no slip for class 17.

    Examples
    --------
    >>> nearest("Amuont", ["amount", "age"])
    'amount'
    """
    plain = {_plain(name): name for name in reversed(list(known))}
    wanted = _plain(word)
    if wanted in plain:
        return plain[wanted]
    if not any(sign.isalpha() for sign in wanted):
        return None
    found = difflib.get_close_matches(wanted, plain, n=1)
    return plain[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Ask whether the nearest known name was meant; empty where none is near."""
    near = nearest(word, known)
    return "" if near is None else f"did you mean '{near}'?"


def _plain(name: str) -> str:
    return name.strip().casefold()
