"""Options that verbs share, as annotated types for their signatures.

A verb writes `seed: Seed = 0`. Types and bounds are checked here, so a wrong
value ends with exit code 2 before anything heavy is loaded. `--config` is not
among them: registration gives it to every verb.
"""

import codecs
import re
from typing import Annotated, Literal

import typer

MAX_SEED = 2**32 - 1
"""Largest seed that numpy, torch and scikit-learn all take."""

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
BINARY_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(I?)B?", re.IGNORECASE | re.ASCII)

DELIMITER_WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";"}

TableFormat = Literal["csv", "csv.gz", "csv.zst", "parquet", "arrow", "ndjson"]


def memory_size(text: str | int) -> int:
    """Read a size such as `4GB`, `512 MiB` or `800000000` as bytes.

    Raises
    ------
    typer.BadParameter
        If it is not a size, or is nothing at all.
    """
    if isinstance(text, int):  # a default, or a value read before
        return text
    match = SIZE.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"takes a size such as 4GB or 512MiB, not {text!r}")
    number, unit, binary = match.groups()
    if binary and not unit:
        raise typer.BadParameter(f"takes a size such as 4GB or 512MiB, not {text!r}")
    factor = (BINARY_UNITS if binary else UNITS)[unit.upper()]
    size = int(float(number) * factor)
    if not 0 < size < 2**63:
        raise typer.BadParameter(
            f"takes memory that a machine could have, not {text!r}"
        )
    return size


def delimiter_sign(text: str) -> str:
    """Read the sign between cells: one character, or `tab`.

    Raises
    ------
    typer.BadParameter
        If it is longer, or cannot stand between cells.
    """
    sign = DELIMITER_WORDS.get(text.lower(), text)
    if len(sign) != 1 or sign in '"\r\n\0' or not sign.isascii():
        raise typer.BadParameter(f"takes one character, or the word tab, not {text!r}")
    return sign


def encoding_name(text: str) -> str:
    """Read the name of a text encoding.

    Raises
    ------
    typer.BadParameter
        If Python knows no text encoding of that name.
    """
    try:
        # `bytes.decode` refuses what is a codec but no text, such as base64; it
        # looks only when there is something to decode.
        b"a".decode(codecs.lookup(text).name)
    except UnicodeError:
        return text  # a text encoding all the same, of wider characters
    except (LookupError, ValueError):
        raise typer.BadParameter(
            f"takes an encoding as utf-8 or latin-1, not {text!r}"
        ) from None
    return text


def added_prefix(text: str) -> str:
    """Read the start of added columns' names.

    Raises
    ------
    typer.BadParameter
        If it is empty: added columns could not be told from the input's.
    """
    if not text:
        raise typer.BadParameter("takes one character or more, not ''")
    return text


def rows_to_stdout(out: str | None) -> bool:
    """Tell whether rows go to standard output, from the value of `--output`."""
    return out is None or out == "-"


BundleIn = Annotated[
    str,
    typer.Argument(
        metavar="BUNDLE",
        help="The bundle, as NAME.cbvae, models/ (newest) or models/@2.",
        show_default=False,
    ),
]
RowsIn = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="The table: a file, a folder of Parquet files, a quoted glob, or - "
        "for standard input.",
        show_default=False,
    ),
]
RowsOut = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="Where rows go; without it, or with -, to standard output.",
    ),
]
BundleOut = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="BUNDLE",
        help="The bundle to write, NAME.cbvae; a path ending in / is a store.",
    ),
]
InFormat = Annotated[
    TableFormat | None,
    typer.Option("--in-format", help="Format of DATA where its name does not tell."),
]
OutFormat = Annotated[
    TableFormat | None,
    typer.Option("--out-format", help="Format of rows out where no name tells."),
]
Null = Annotated[
    list[str] | None,
    typer.Option(
        "--null",
        metavar="TOKEN",
        help="Also read this word as a missing cell; may be given again.",
    ),
]
NoDefaultNulls = Annotated[
    bool,
    typer.Option(
        "--no-default-nulls",
        help="Read NA, NaN, null and their like as text; empty stays missing.",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="NAME",
        parser=encoding_name,
        help="Text encoding of CSV input.  [default: utf-8]",
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        "--delimiter",
        metavar="CHAR",
        parser=delimiter_sign,
        help="Sign between the cells of CSV input; tab is a word.  [default: ,]",
    ),
]
Decimal = Annotated[
    Literal[".", ","],
    typer.Option(
        "--decimal",
        help="Decimal mark of the numbers in CSV, in and out.",
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        "--seed", min=0, max=MAX_SEED, metavar="N", help="Start of every random draw."
    ),
]
Threads = Annotated[
    int,
    typer.Option(
        "--threads",
        min=0,
        max=4096,
        metavar="N",
        help="Processor threads; 0 means all cores.",
    ),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    typer.Option("--device", help="Where to calculate; auto takes a GPU if it can."),
]
Engine = Annotated[
    Literal["local"], typer.Option("--engine", help="What runs the work.")
]
MaxMemory = Annotated[
    int | None,
    typer.Option(
        "--max-memory",
        metavar="SIZE",
        parser=memory_size,
        help="Memory for rows, as 2GB: train leaves rows of large classes out beyond "
        "it [default: 4GB], the others take fewer at once, 64 at the least. Too little "
        "is refused, with the least that works.",
    ),
]
BatchRows = Annotated[
    int | None,
    typer.Option(
        "--batch-rows", min=1, max=2**31 - 1, metavar="N", help="Rows held at once."
    ),
]
Json = Annotated[
    str | None,
    typer.Option(
        "--json",
        metavar="[=FILE]",
        help="Give the summary as one JSON object; to FILE if one is named, else "
        "to standard output, or to standard error when rows go there.",
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what has that name.")]
Prefix = Annotated[
    str,
    typer.Option(
        "--prefix",
        metavar="TEXT",
        parser=added_prefix,
        help="Start of the names of added columns.",
    ),
]
Only = Annotated[
    bool, typer.Option("--only", help="Leave the input's columns out of the output.")
]
