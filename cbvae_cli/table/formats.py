"""Which format a table has: by flag, else by the ending of its name."""

from __future__ import annotations

from cbvae_cli.errors import UsageProblem

FORMATS = ("csv", "csv.gz", "csv.zst", "parquet", "arrow", "ndjson")
CODECS = {"csv.gz": "gzip", "csv.zst": "zstd"}
"""Compressed formats and pyarrow's name of their codec."""

STREAM_FORMAT = "csv"
"""What standard input and output carry when no flag says otherwise."""

FOLDER_FORMAT = "parquet"
"""What a folder holds when no flag says otherwise."""


def accepted() -> str:
    """Give the endings as a message lists them."""
    return ", ".join(f".{name}" for name in FORMATS)


def ending_format(path: str) -> str | None:
    """Give the format that the ending of `path` names, or None."""
    lowered = path.lower()
    return next((name for name in FORMATS if lowered.endswith(f".{name}")), None)


def without_ending(path: str) -> str:
    """Cut a known ending off `path`."""
    known = ending_format(path)
    return path[: -len(known) - 1] if known else path


def checked_format(name: str | None, flag: str) -> str | None:
    """Refuse a format that is not one of `FORMATS`; None passes.

    Raises
    ------
    UsageProblem
        Naming `flag` and the formats that it takes.
    """
    if name is not None and name not in FORMATS:
        raise UsageProblem(
            f"{flag} {name!r} is not a table format",
            expected=f"one of {', '.join(FORMATS)}",
        )
    return name


def format_of(path: str, given: str | None, flag: str) -> str:
    """Settle the format of `path`: `given`, else its ending.

    Raises
    ------
    UsageProblem
        If neither names a format.
    """
    found = checked_format(given, flag) or ending_format(path)
    if found is None and path.lower().endswith(".cbvae"):
        raise UsageProblem(
            f"'{path}' is the name of a bundle, and a table is wanted here",
            expected=accepted(),
        )
    if found is None:
        raise UsageProblem(
            f"the ending of '{path}' names no table format",
            expected=accepted(),
            hint=f"name the format with {flag}, as in {flag} csv",
        )
    return found


def holds_text(path: str | None, given: str | None) -> bool:
    """Tell whether an output keeps cells as text: CSV does, other formats have types.

    Parameters
    ----------
    path : str or None
        Output; None or `-` is standard output.
    given : str or None
        Format by flag.
    """
    named = None if path is None or path == "-" else ending_format(path)
    return (given or named or STREAM_FORMAT).startswith("csv")
