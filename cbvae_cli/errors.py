"""The error tree: every way a run can end badly, with its exit code.

A message answers four questions: what is wrong, where it was found, what was
expected and what to do next. One place prints it (`cbvae_cli.cli.app`).
"""

from __future__ import annotations

EXIT_DONE = 0
EXIT_BUG = 1
EXIT_USAGE = 2
EXIT_DATA = 3
EXIT_BUNDLE = 4
EXIT_CHECK = 5
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


class CBVAEError(Exception):
    """A run that cannot go on, told in one sentence and up to three details.

    Parameters
    ----------
    what : str
        One sentence without a full stop, starting in lower case.
    where : str, optional
        File, line and the one value found, as `"rows.csv, line 12: 'abc'"`.
    expected : str, optional
        What would have been right.
    hint : str, optional
        The next step, best a flag to add.
    """

    exit_code = EXIT_BUG

    def __init__(
        self, what: str, *, where: str = "", expected: str = "", hint: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.expected = expected
        self.hint = hint

    def __str__(self) -> str:
        """Give the sentence and its details on lines of their own."""
        lines = [self.what]
        details = (("where", self.where), ("expected", self.expected))
        lines += [f"  {name:<9} {text}" for name, text in details if text]
        if self.hint:
            lines.append(f"  {'try':<9} {self.hint}")
        return "\n".join(lines)


class UsageProblem(CBVAEError, ValueError):
    """The command line, or a call from Python, asks for what cannot be."""

    exit_code = EXIT_USAGE


class DataProblem(CBVAEError, ValueError):
    """The rows do not fit, or a promise cannot be kept on them."""

    exit_code = EXIT_DATA


class BundleProblem(CBVAEError, ValueError):
    """The bundle is damaged, foreign or too new."""

    exit_code = EXIT_BUNDLE


class CheckFailed(CBVAEError):
    """A check that the user asked for failed; the rows are written all the same."""

    exit_code = EXIT_CHECK


class Interrupted(CBVAEError):
    """The user or the system stopped the run; the work so far is saved."""

    exit_code = EXIT_INTERRUPTED
