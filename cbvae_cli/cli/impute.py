"""`cbvae impute`: fill missing cells."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing, spread
from cbvae_cli.cli.options import BundleIn, Prefix, RowsIn, RowsOut
from cbvae_cli.cli.pairs import check_pair
from cbvae_cli.cli.streaming import answer_rows

if TYPE_CHECKING:
    from cbvae_cli.answers.impute import Impute
    from cbvae_cli.answers.model import Model
    from cbvae_cli.report.console import Talk
    from cbvae_cli.table.source import Source

GivenClass = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="CLASS",
        help="Take all rows for this class, whatever their labels say.",
    ),
]
Hide = Annotated[
    list[str] | None,
    typer.Option(
        "--hide",
        metavar="COL",
        help="Treat this column as missing in every row: its values are replaced in "
        "the output, to compare with. May be given again. The label's name leaves the "
        "labels unread.",
    ),
]

Draws = Annotated[
    int | None,
    typer.Option(
        "--draws",
        metavar="M",
        min=1,
        help="Write M rows for each row, numbered in cbvae_draw, with draws in the "
        "place of best guesses: they vary as real cells do.",
    ),
]
Deviations = Annotated[
    bool,
    typer.Option(
        "--sd",
        help="Add cbvae_sd_<column>: how far a filled cell may be off, as a standard "
        "deviation in the column's unit (seconds for dates); of names, that of being "
        "right: 0 is sure, .5 a coin's toss.",
    ),
]
FillLabel = Annotated[
    bool,
    typer.Option(
        "--fill-label",
        help="Fill missing cells of the label column too, with the likeliest class.",
    ),
]


@spread
def impute(
    bundle: BundleIn,
    data: RowsIn,
    output: RowsOut = None,
    given_class: GivenClass = None,
    hide: Hide = None,
    draws: Draws = None,
    sd: Deviations = False,
    fill_label: FillLabel = False,
    prefix: Prefix = "cbvae_",
    *,
    compute: Compute,
    reading: Reading,
    writing: Writing,
    telling: Telling,
) -> None:
    """Fill missing cells; a cell that holds a value is never changed.

    Fills are best guesses: they vary less than real cells do (--draws). Uses the
    row's label where it has one (--hide with the label's name leaves it unread);
    otherwise each class counts as much as the seen cells speak for it. Values are
    replaced in columns that --hide names, and nowhere else.

    Example: cbvae impute fraud.cbvae new.csv -o filled.csv
    """
    check_pair("impute", bundle, data)

    from cbvae_cli.answers.wanted import Wanted

    wanted = Wanted(draws or 0, sd, fill_label, prefix, compute.seed)

    def ask(model: "Model", source: "Source") -> "Impute":
        from cbvae_cli.answers.impute import Impute

        return Impute(
            model,
            source,
            given_class=given_class,
            hidden=tuple(hide or ()),
            wanted=wanted,
        )

    answer_rows(
        "impute",
        bundle,
        data,
        output,
        ask,
        _tell,
        compute=compute,
        reading=reading,
        writing=writing,
        telling=telling,
        copies=max(1, wanted.n_drawn),
    )


def _tell(summary: dict[str, Any], talk: "Talk") -> None:
    replaced = summary["replaced"]
    missing = {n: c - replaced.get(n, 0) for n, c in summary["columns"].items()}
    n_columns = sum(count > 0 for count in missing.values())
    talk.say(
        f"filled {sum(missing.values()):,} missing cells in {n_columns} "
        f"column{'s' if n_columns != 1 else ''} of {summary['rows']:,} rows"
    )
    if summary["empty"]:
        rows = "row holds" if summary["empty"] == 1 else "rows hold"
        talk.warn(
            f"{summary['empty']:,} {rows} no value that the model reads: filled with "
            "what is usual in the class, or over all classes where none is given"
        )
    if summary["labelled"]:
        talk.say(f"filled {summary['labelled']:,} labels")
    if summary["draws"]:
        talk.say(f"wrote {summary['draws']:,} draws of every row")
    for name, count in replaced.items():
        talk.say(f"replaced {count:,} values of '{name}' (--hide)")
    if summary["left"]:
        named = ", ".join(f"'{name}'" for name in list(summary["left"])[:5])
        more = len(summary["left"]) - 5
        talk.say(
            f"left {sum(summary['left'].values()):,} missing cells in columns that are "
            f"not modelled: {named}" + (f" and {more} more" if more > 0 else "")
        )
