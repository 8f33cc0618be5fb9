"""JSON without its loose ends: one reading, one spelling, one digest."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable
from typing import Any, NoReturn

from cbvae_cli.errors import BundleProblem

# A manifest nests about eight deep. Python's own limit depends on how deep the
# caller already is, and is too high for those who walk the result.
DEEPEST = 64


def read_object(body: bytes, what: str) -> dict[str, Any]:
    """Read a JSON object from UTF-8, refusing all that has two readings.

    Parameters
    ----------
    body : bytes
    what : str
        The name to use in messages, as `"manifest.json"`.

    Raises
    ------
    BundleProblem
        If it is not JSON, not an object, names a key twice, holds a number
        that is not finite, or nests deeper than `DEEPEST`.
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_once_each,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except BundleProblem as problem:
        raise BundleProblem(f"{what} {problem.what}") from None
    except RecursionError:
        raise BundleProblem(f"{what} is nested too deeply") from None
    except ValueError:  # not UTF-8, not JSON, or a whole number of 5,000 digits
        raise BundleProblem(f"{what} is not readable as JSON") from None
    if not isinstance(value, dict):
        raise BundleProblem(f"{what} is not a JSON object")
    if _depth(value) > DEEPEST:
        raise BundleProblem(f"{what} is nested too deeply")
    return value


def canonical(value: object) -> bytes:
    """Spell a value in the one way that digests are taken over.

    Sorted keys, no blanks, UTF-8. A lone surrogate (an undecodable byte in a
    file name) has no UTF-8 form and keeps its JSON escape.
    """
    text = json.dumps(
        value,
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    )
    return text.encode("utf-8", "backslashreplace")


def plain(value: object) -> dict[str, Any]:
    """Turn a value into what reading it back will give.

    Tuples become lists and whole-number keys become text. Without this step
    `{2: …, 10: …}` would be spelled in another order once it is read back, and
    its digest would no longer fit.
    """
    return read_object(canonical(value), "the manifest to write")


def digest(value: object) -> str:
    """Give the SHA-256, in hex, of the canonical spelling."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise BundleProblem(f"names the key {ascii(key)[:60]} twice")
        seen[key] = value
    return seen


def _refuse_constant(word: str) -> NoReturn:
    raise BundleProblem(f"holds a number that is not finite: {word}")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BundleProblem(f"holds a number that is not finite: {digits[:30]}")
    return number


def _depth(value: object) -> int:
    """Count levels without recursing."""
    deepest = 0
    waiting: list[tuple[object, int]] = [(value, 1)]
    while waiting:
        item, level = waiting.pop()
        if isinstance(item, dict):
            inside: Iterable[object] = item.values()
        elif isinstance(item, list):
            inside = item
        else:
            continue
        deepest = max(deepest, level)
        # Numbers do not wait: a manifest may hold millions of them.
        waiting.extend((v, level + 1) for v in inside if isinstance(v, dict | list))
    return deepest
