"""The one error door: how every run ends that does not end well."""

from __future__ import annotations

import errno
import os
import platform
import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cbvae_cli
from cbvae_cli.cli.complaints import explain_usage
from cbvae_cli.errors import (
    EXIT_BROKEN_PIPE,
    EXIT_CHECK,
    EXIT_INTERRUPTED,
    CBVAEError,
    DataProblem,
    Interrupted,
    UsageProblem,
)
from cbvae_cli.report.console import escaped
from cbvae_cli.report.machine import emit, takes_stderr

DEBUG = "CBVAE_DEBUG"

# A path that the user named wrongly, rather than a disk that gave way.
MISNAMED = {
    errno.ENOENT,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EACCES,
    errno.EPERM,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EROFS,
}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class Run:
    """What the door must know of a run to tell its end in the right place."""

    verb: str = ""
    json: str | None = None
    rows_to_stdout: bool = False


class Bug(CBVAEError):
    """Our own fault."""


def settle(error: BaseException, run: Run) -> int:
    """Tell how the run ended, and give the exit code."""
    if _is_broken_pipe(error):
        return hang_up()
    known = explain(error, run.verb)
    if isinstance(known, Bug) and os.environ.get(DEBUG):
        traceback.print_exception(error, file=sys.stderr)
    # A failed check comes after its summary, which is the one JSON object.
    if run.json is not None and known.exit_code != EXIT_CHECK:
        with suppress(OSError, UsageProblem):  # a file that no summary may replace
            emit(_record(known), run.verb, run.json, rows_to_stdout=run.rows_to_stdout)
            if takes_stderr(run.json, run.rows_to_stdout):
                return known.exit_code
    with suppress(OSError, ValueError, AttributeError):  # standard error is gone
        print(_worded(known), file=sys.stderr, flush=True)
    return known.exit_code


def hang_up() -> int:
    """Stop writing to standard output, whose reader is gone; give the exit code."""
    # The interpreter flushes once more on its way out, and would complain.
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    return EXIT_BROKEN_PIPE


def explain(error: BaseException, verb: str = "") -> CBVAEError:
    """Put any exception into our own words.

    Foreign messages are left out where they may quote cells of the table.
    """
    if isinstance(error, CBVAEError):
        return error
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        return Interrupted("interrupted")
    if _is_out_of_memory(error):
        return DataProblem(
            "not enough memory for this run",
            hint="lower --batch-rows, or give a limit with --max-memory",
        )
    if isinstance(error, OSError):
        return _explain_system(error)
    # typer's own complaints; it keeps their class to itself
    if hasattr(error, "format_message"):
        return explain_usage(error, verb)
    return Bug(
        f"internal error: {type(error).__name__} in {_place(error)}",
        where=f"cbvae {cbvae_cli.__version__}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}",
        hint=f"report these lines at the issue tracker of cbvae-cli; {DEBUG}=1 shows "
        "more, which may quote cells of your table",
    )


def _explain_system(error: OSError) -> CBVAEError:
    path = error.filename
    where = os.fsdecode(path) if isinstance(path, str | bytes | Path) else ""
    reason = (error.strerror or "it cannot be read or written").lower()
    if error.errno in FULL:
        return DataProblem(
            f"cannot write: {reason}", where=where, hint="make room, or write elsewhere"
        )
    if error.errno in MISNAMED:
        return UsageProblem(f"cannot open the file: {reason}", where=where)
    return DataProblem(f"a file gave way: {reason}", where=where)


def _is_broken_pipe(error: BaseException) -> bool:
    # On their way here typer turns some into SystemExit.
    cause = error.__context__ if isinstance(error, SystemExit) else error
    return isinstance(cause, OSError) and cause.errno == errno.EPIPE


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    # torch on a processor raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)


def _place(error: BaseException) -> str:
    """Name the innermost line of ours that the error went through."""
    home = Path(cbvae_cli.__file__).parent
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        frame
        for frame in frames
        # The way in is part of every run, so it tells nothing.
        if Path(frame.filename).is_relative_to(home)
        and Path(frame.filename).stem not in ("app", "register")
    ]
    if not frames:
        return "an unknown place"
    frame = ours[-1] if ours else frames[-1]
    name = Path(frame.filename)
    shown = name.relative_to(home.parent) if ours else name.name
    return f"{shown}, line {frame.lineno}"


def _worded(error: CBVAEError) -> str:
    told = CBVAEError(
        escaped(error.what),
        where=escaped(error.where),
        expected=escaped(error.expected),
        hint=escaped(error.hint),
    )
    plain = isinstance(error, Bug) or error.exit_code == EXIT_INTERRUPTED
    return str(told) if plain else f"error: {told}"


def _record(error: CBVAEError) -> dict[str, object]:
    details = {
        "what": error.what,
        "where": error.where,
        "expected": error.expected,
        "hint": error.hint,
    }
    return {"error": details, "exit_code": error.exit_code}
