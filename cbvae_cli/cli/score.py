"""`cbvae score`: how strange each row is."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cbvae_cli.cli.decisions import open_share
from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing, spread
from cbvae_cli.cli.options import BundleIn, Only, Prefix, RowsIn, RowsOut
from cbvae_cli.cli.pairs import check_pair
from cbvae_cli.cli.streaming import answer_rows
from cbvae_cli.errors import CheckFailed

if TYPE_CHECKING:
    from cbvae_cli.answers.model import Model
    from cbvae_cli.answers.score import Score
    from cbvae_cli.report.console import Talk
    from cbvae_cli.table.source import Source

MOST_FLOORS = 5  # classes that are named

MethodOption = Annotated[
    Literal[
        "combined",
        "likelihood",
        "probability",
        "error",
        "neighbours",
        "class-distance",
        "mislabel",
        "isolation-forest",
        "lof",
        "ocsvm",
    ],
    typer.Option(
        "--method",
        help="What is measured: likelihood (importance-weighted), probability (of "
        "reconstruction), error (mean squared, over the seen cells), neighbours "
        "(distance from the class's rows, among cells and what was not expected of "
        "them), combined (likelihood and neighbours), class-distance (from the class's "
        "mean), isolation-forest, lof (local outlier factor) or ocsvm (one-class "
        "support vector machine), or mislabel (log-odds of the likeliest other class "
        "against the row's label).",
    ),
]
SpaceOption = Annotated[
    Literal["latent", "features"] | None,
    typer.Option(
        "--space",
        help="Where class-distance, isolation-forest, lof and ocsvm look: among the "
        "columns, or the latent coordinates of the class's first network.  "
        "[default: features]",
    ),
]
By = Annotated[
    Literal["clusters"] | None,
    typer.Option(
        "--by",
        help="For mislabel: compare with the most frequent class of the row's cluster "
        "in the latent space.  [default: with the likeliest class]",
    ),
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="CLASS",
        help="How strange rows are for this class alone.  [default: for every class]",
    ),
]
Cells = Annotated[
    bool,
    typer.Option(
        "--cells",
        help="Add cbvae_cell_COLUMN: nats by which the cell is less likely, given the "
        "row's other cells, than is usual in cbvae_class.",
    ),
]
Repair = Annotated[
    bool,
    typer.Option(
        "--repair",
        help="Add cbvae_repair_COLUMN: the value expected from the row's other cells.",
    ),
]
TopOption = Annotated[
    int | None,
    typer.Option(
        "--top",
        metavar="N",
        min=1,
        help="Write only the N strangest rows, in their order; of equal scores the "
        "earlier. With --only, cbvae_row tells which rows of the input they are.",
    ),
]
FailOn = Annotated[
    float | None,
    typer.Option(
        "--fail-on",
        metavar="Q",
        parser=open_share,
        help="End with exit code 5 when a row survives Benjamini-Hochberg over all "
        "p-values at false discovery rate Q.",
    ),
]


@spread
def score(
    bundle: BundleIn,
    data: RowsIn,
    output: RowsOut = None,
    method: MethodOption = "combined",
    space: SpaceOption = None,
    by: By = None,
    against: Against = None,
    cells: Cells = False,
    repair: Repair = False,
    top: TopOption = None,
    fail_on: FailOn = None,
    prefix: Prefix = "cbvae_",
    only: Only = False,
    *,
    compute: Compute,
    reading: Reading,
    writing: Writing,
    telling: Telling,
) -> None:
    """Score how strange each row is; higher is stranger.

    A row is as strange as the class finds it that finds it least so. For mislabel it
    is as strange as its label; rows that the bundle was trained on look better than
    they are.

    Adds cbvae_score (deviations from what held-out rows of the class get),
    cbvae_pvalue (share of held-out rows at least as strange) and cbvae_class, the
    class that finds the row least strange; for mislabel the likeliest class, or with
    --by clusters the most frequent one. With --only and --top also cbvae_row, the
    row's number in the input, from 1.

    Example: cbvae score normal.cbvae new.csv --top 20 --cells -o strange.csv
    """
    from cbvae_cli.answers.strangely import Strangely

    asked = Strangely(method, against, cells, repair, fail_on, space, by)
    asked.check()
    check_pair("score", bundle, data)

    from cbvae_cli.answers.score import Score
    from cbvae_cli.answers.top import Top

    made: list[Score] = []
    numbered = only and top is not None  # nothing else would tell which rows they are

    def ask(model: "Model", source: "Source") -> "Score":
        answer = Score(
            model, source, asked, prefix=prefix, only=only, numbered=numbered
        )
        made.append(answer)
        return answer

    answer_rows(
        "score",
        bundle,
        data,
        output,
        ask,
        _tell,
        compute=compute,
        reading=reading,
        writing=writing,
        telling=telling,
        sieve=None if top is None else Top(top, f"{prefix}score"),
    )
    _check(made[0])


def _check(answered: "Score") -> None:
    survivors = answered.survivors()
    if survivors:
        many = "rows are" if survivors > 1 else "row is"
        raise CheckFailed(
            f"{survivors:,} {many} stranger than chance explains at "
            f"--fail-on {answered.asked.fail_on:g}",
            where=answered.source.name,
            hint="--top shows the strangest rows, --cells what is strange about them",
        )


def _tell(summary: dict[str, Any], talk: "Talk") -> None:
    silent = summary["too_small_to_judge"]
    if summary["pvalue_below_0.01"] is None:
        too_small = "the class is" if summary["against"] else "every class is"
        talk.warn(f"{too_small} too small for p-values; cbvae_pvalue stays empty")
        talk.say(f"scored {summary['rows']:,} rows")
        _tell_ties(summary, talk)
        return
    if silent:
        named = ", ".join(f"'{name}'" for name in silent)
        talk.warn(f"too few rows to judge by: {named}; left out of scores")
    below, chance = summary["pvalue_below_0.01"], summary["by_chance_below_0.01"]
    low = (
        f"; {below:,} have a p-value below 0.01, where chance alone gives about "
        f"{chance:,.0f}"
    )
    talk.say(f"scored {summary['rows']:,} rows" + (low if chance else ""))
    _tell_ties(summary, talk)
    _tell_floors(summary["least_pvalue"], talk)
    if "fail_on" in summary:
        _tell_check(summary, talk)


def _tell_ties(summary: dict[str, Any], talk: "Talk") -> None:
    """Say where --top cuts through rows of one score."""
    ties = summary.get("top_ties")
    if not ties:
        return
    why = ""
    if summary["by"] is not None:
        why = (
            "; rows of one label in one cluster score alike, and --method mislabel "
            "without --by tells them apart"
        )
    many = "rows score" if ties > 1 else "row scores"
    talk.say(
        f"{ties:,} more {many} like the lowest of the {summary['top']:,} written; of "
        f"equal scores the earlier rows are taken{why}"
    )


def _tell_floors(least: dict[str, float], talk: "Talk") -> None:
    """Name the classes whose p-values cannot be below 0.01."""
    floors = {name: p for name, p in least.items() if p >= 0.01}
    if not floors:
        return
    named = [f"'{name}' {p:.3g}" for name, p in list(floors.items())[:MOST_FLOORS]]
    more = len(floors) - len(named)
    talk.say(
        f"too few held-out rows for p-values below 0.01; the smallest there can be, "
        f"1 / (held-out rows + 1): {', '.join(named)}"
        + (f" and {more} more classes" if more else "")
    )


def _tell_check(summary: dict[str, Any], talk: "Talk") -> None:
    rate, tested = summary["fail_on"], summary["tested"]
    talk.say(
        f"{summary['survivors']:,} of {tested:,} rows survive at a false discovery "
        f"rate of {rate:g}"
    )
    least = summary["least_survivors"]
    if least > 1:
        talk.warn(
            f"with so few held-out rows among {tested:,} tested ones fewer than "
            f"{least:,} strange rows cannot survive --fail-on {rate:g}; test fewer "
            "rows at once, or train on more"
        )
