"""`cbvae embed`: where each row lies in the latent space."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing, spread
from cbvae_cli.cli.options import BundleIn, Only, Prefix, RowsIn, RowsOut
from cbvae_cli.cli.pairs import check_pair
from cbvae_cli.cli.streaming import answer_rows

if TYPE_CHECKING:
    from cbvae_cli.report.console import Talk

FEW = 0.1  # of the rows that a step begins from

ShiftOption = Annotated[
    str | None,
    typer.Option(
        "--shift",
        metavar="A:B",
        help="Move rows by the difference between two classes, or between two values "
        "of a column, COLUMN=VALUE:COLUMN=VALUE, and add cbvae_shifted_COLUMN: what is "
        "expected there.",
    ),
]


@spread
def embed(
    bundle: BundleIn,
    data: RowsIn,
    output: RowsOut = None,
    shift: ShiftOption = None,
    prefix: Prefix = "cbvae_",
    only: Only = False,
    *,
    compute: Compute,
    reading: Reading,
    writing: Writing,
    telling: Telling,
) -> None:
    """Give each row's place in the latent space.

    Adds cbvae_z0, cbvae_z1, ... and cbvae_class, the row's class: as labelled, else the
    likeliest; with --shift A:B it is B. In a cbvae bundle each class has a latent
    space of its own, and coordinates of rows of different classes do not compare.
    Coordinates are those of the first network of several.

    Example: cbvae embed fraud.cbvae new.csv --only -o latent.csv
    """
    check_pair("embed", bundle, data)

    from cbvae_cli.answers.embed import Embed

    answer_rows(
        "embed",
        bundle,
        data,
        output,
        lambda model, source: Embed(
            model, source, shift=shift, prefix=prefix, only=only
        ),
        _tell,
        compute=compute,
        reading=reading,
        writing=writing,
        telling=telling,
    )


def _tell(summary: dict[str, Any], talk: "Talk") -> None:
    rows, told = summary["rows"], summary["labelled"]
    if summary["unknown"]:
        talk.warn(
            f"{summary['unknown']:,} rows are labelled with classes that the bundle "
            "does not know; the likeliest class is taken for them"
        )
    if summary["unmoved"]:
        talk.warn(
            f"{summary['unmoved']:,} rows stay empty: too few training rows of their "
            "classes had the values of --shift"
        )
    likeliest = f"; {rows - told:,} by their likeliest class" if told < rows else ""
    talk.say(f"embedded {rows:,} rows in {summary['latent']} dimensions{likeliest}")
    if summary["arrival"] is not None:
        _tell_arrival(summary["arrival"], rows, talk)
    if not (summary["shared_space"] or summary["shift"]):
        talk.say("each class has a latent space of its own: see cbvae_class")


def _tell_arrival(arrival: dict[str, Any], rows: int, talk: "Talk") -> None:
    """Say how many rows the step can begin from, and how many it brings on."""
    start, end = arrival["from"], arrival["to"]
    if arrival["column"] is None:
        begin, reached = f"are of class '{start}'", "likeliest"
    else:
        begin, reached = f"hold {start}", "expected"
    talk.say(
        f"{arrival['rows']:,} rows {begin}; where the step leads, '{end}' is "
        f"{reached} for {arrival['rows_arrived']:,} of them, and for "
        f"{arrival['all_arrived']:,} of all {rows:,}"
    )
    if arrival["rows_arrived"] < FEW * arrival["rows"]:
        talk.say(
            f"the latent space holds little of what tells '{end}' from '{start}': "
            "read what does change in the shifted columns"
        )
