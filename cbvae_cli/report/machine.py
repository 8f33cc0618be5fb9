"""The run's summary as one JSON object, for programs."""

from __future__ import annotations

import dataclasses
import json as codec
import math
import os
import sys
from collections.abc import Mapping, Set
from datetime import date
from enum import Enum
from pathlib import Path, PurePath
from typing import Any

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.aside import may_hold, write_whole

SCHEMA = 1
"""Raised when a key changes its meaning or goes away, not when one is added."""

STREAM = "-"
"""The value of `--json` when no file is named."""

BEGINNING = b'{"schema":'
"""How every summary begins; no table, page or bundle does."""


def check_summary_file(json: str | None) -> None:
    """Refuse to write a summary over a file that holds none.

    Raises
    ------
    UsageProblem
    """
    if json is None or json == STREAM or not os.path.isfile(json):
        return
    if not may_hold(json, BEGINNING):
        raise UsageProblem(
            "the file named by --json is not the summary of a run",
            where=json,
            expected="a new file, or an older summary, which is replaced",
            hint="name another file with --json=FILE",
        )


def takes_stderr(json: str | None, rows_to_stdout: bool) -> bool:
    """Tell whether the summary goes to standard error, all other talk silenced."""
    return json == STREAM and rows_to_stdout


def emit(
    summary: Mapping[str, Any],
    verb: str,
    json: str | None,
    *,
    rows_to_stdout: bool = False,
) -> None:
    """Write the summary where `--json` asked for it; without the flag, nowhere.

    Parameters
    ----------
    summary : mapping
        Numbers, text, sequences, mappings, dataclasses, numpy scalars and
        arrays. Numbers that JSON does not know (NaN, infinities) become null.
    verb : str
    json : str, optional
        The value of `--json`: None, `"-"` or a file, written aside and renamed.
    rows_to_stdout : bool
        Whether standard output carries rows; the summary then goes to standard
        error.

    Raises
    ------
    OSError
        If the file cannot be written; an older one is then left as it was.
    TypeError
        If the summary holds something else, or keys that become equal as text.
    UsageProblem
        If the file holds anything but a summary; it is left as it was.
    """
    if json is None:
        return
    report = {"schema": SCHEMA, "verb": verb}
    report |= {key: value for key, value in summary.items() if key not in report}
    # ASCII only: the locale of a pipe must not decide whether this can be read.
    text = codec.dumps(_plain(report), allow_nan=False) + "\n"
    if json != STREAM:
        check_summary_file(json)
        _write(Path(json), text)
        return
    stream = sys.stderr if rows_to_stdout else sys.stdout
    stream.write(text)
    stream.flush()


def _plain(value: Any) -> Any:
    """Reduce a value to what JSON knows."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return {field.name: _plain(getattr(value, field.name)) for field in fields}
    if isinstance(value, Mapping):
        found = {str(_plain(key)): _plain(item) for key, item in value.items()}
        if len(found) < len(value):
            raise TypeError("two keys of the summary are equal as text")
        return found
    if isinstance(value, Set):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, date):  # a datetime too
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    # numpy's scalars and arrays, and torch's tensors, without importing either
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    raise TypeError(f"a summary cannot hold a {type(value).__name__}")


def _write(path: Path, text: str) -> None:
    target = Path(os.path.realpath(path))  # keep a link, replace what it names
    if target.exists() and not target.is_file():
        with target.open("w", encoding="ascii") as stream:  # a pipe or a device
            stream.write(text)
        return
    write_whole(target, text.encode("ascii"))
