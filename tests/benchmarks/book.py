"""Figures as JSON lines: one a contestant and case; what stands there is not redone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Key:
    """What a line is about.

    Attributes
    ----------
    table : str
    seed : int
    missing : str
    model : str
    rule : str
        Of `classify`, or method of `score`; empty for peers.
    """

    table: str
    seed: int
    missing: str
    model: str
    rule: str = ""


class Book:
    """A file of figures.

    Parameters
    ----------
    path : Path
    again : bool
        Forget the lines that say why there is no figure: those are tried again.
    """

    def __init__(self, path: Path, *, again: bool = False) -> None:
        self.path = path
        self.again = again
        self.lines: dict[Key, dict[str, Any]] = {}
        if path.is_file():
            for text in path.read_text(encoding="utf-8").splitlines():
                line = json.loads(text)
                key = Key(**{name: line.pop(name) for name in Key.__annotations__})
                self.lines[key] = line

    def lacks(self, key: Key) -> bool:
        """Tell whether a line is still to be measured."""
        line = self.lines.get(key)
        return line is None or (self.again and "why" in line)

    def add(self, key: Key, line: dict[str, Any]) -> None:
        """Write a line; a later one for the same key counts."""
        self.lines[key] = line
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(key) | line) + "\n")

    def measured(self) -> Iterator[tuple[Key, dict[str, Any]]]:
        """Give the lines that hold figures."""
        for key, line in self.lines.items():
            if "why" not in line:
                yield key, line
