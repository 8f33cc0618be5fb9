"""Talk to the person at the terminal, on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Number

from cbvae_cli.report.machine import takes_stderr

PLAIN_WIDTH = 200
"""Columns of a table that goes to a file or a pipe, where nothing wraps."""


@dataclass
class Talk:
    """What a verb says while it works.

    Parameters
    ----------
    quiet : bool
        Say nothing. Errors are told all the same, by the error door.
    json : str, optional
        The value of `--json`: None, `"-"` or a file.
    rows_to_stdout : bool
        Whether standard output carries rows; a JSON summary then has standard
        error to itself.

    Attributes
    ----------
    warnings : list of str
        Every warning so far, said or not, for the summary.
    """

    quiet: bool = False
    json: str | None = None
    rows_to_stdout: bool = False
    warnings: list[str] = field(default_factory=list)

    @property
    def silent(self) -> bool:
        """Whether nothing may be said."""
        return self.quiet or takes_stderr(self.json, self.rows_to_stdout)

    @property
    def live(self) -> bool:
        """Whether moving pictures are welcome: a terminal that shows no rows."""
        if self.silent or os.environ.get("TERM") == "dumb" or not _is_tty(sys.stderr):
            return False
        return not (self.rows_to_stdout and _is_tty(sys.stdout))

    def say(self, line: str) -> None:
        """Print one line."""
        if not self.silent:
            print(escaped(line), file=sys.stderr, flush=True)

    def warn(self, line: str) -> None:
        """Print one line as a warning, and keep it for the summary."""
        self.warnings.append(line)
        self.say(f"warning: {line}")

    def table(
        self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
    ) -> None:
        """Print a small table; columns of numbers stand to the right.

        Parameters
        ----------
        title : str
        columns : sequence of str
        rows : sequence of sequences
            One cell per column. None is an empty cell.
        """
        if self.silent:
            return
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        on_terminal = _is_tty(sys.stderr)
        # Text objects are never read as markup: a column may be called "[red]".
        drawn = Table(
            title=Text(escaped(title)), title_justify="left", box=box.SIMPLE_HEAD
        )
        for place, name in enumerate(columns):
            cells = [row[place] for row in rows if row[place] is not None]
            numbers = bool(cells) and all(isinstance(cell, Number) for cell in cells)
            drawn.add_column(
                Text(escaped(name)),
                justify="right" if numbers else "left",
                overflow="fold",
            )
        for row in rows:
            drawn.add_row(*(Text(_cell(value)) for value in row))
        width = None if on_terminal else PLAIN_WIDTH
        Console(file=sys.stderr, width=width, highlight=False).print(drawn)


def escaped(text: str) -> str:
    """Make what cannot be printed visible, as a backslash code.

    A cell or a column name may hold terminal commands, line breaks or marks
    that reverse the reading order; on a screen they would speak for us.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _code(char) for char in text)


def _code(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def _cell(value: object) -> str:
    return "" if value is None else escaped(str(value))


def _is_tty(stream: object) -> bool:
    """Tell a terminal; a stream may be closed, or None under some launchers."""
    try:
        # Whatever stands in for a stream may lack the method: that is caught.
        return bool(stream.isatty())  # type: ignore[attr-defined]
    except (AttributeError, ValueError):
        return False
