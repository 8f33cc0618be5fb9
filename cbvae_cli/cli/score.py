"""`cbvae score`: how strange each row is."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing, spread
from cbvae_cli.cli.options import BundleIn, Only, Prefix, RowsIn, RowsOut
from cbvae_cli.cli.streaming import answer_rows

if TYPE_CHECKING:
    from cbvae_cli.report.console import Talk

MethodOption = Annotated[
    Literal["likelihood", "probability", "error"],
    typer.Option(
        "--method",
        help="What is measured: likelihood (importance-weighted), probability (of "
        "reconstruction) or error (mean squared error over the seen cells).",
    ),
]


@spread
def score(
    bundle: BundleIn,
    data: RowsIn,
    output: RowsOut = None,
    method: MethodOption = "likelihood",
    prefix: Prefix = "cbvae_",
    only: Only = False,
    *,
    compute: Compute,
    reading: Reading,
    writing: Writing,
    telling: Telling,
) -> None:
    """Score how strange each row is; higher is stranger.

    A row is as strange as the class finds it that finds it least so.

    Adds cbvae_score (deviations from what held-out rows of the class get),
    cbvae_pvalue (share of held-out rows at least as strange) and cbvae_class, the
    class that finds the row least strange.

    Example: cbvae score normal.cbvae new.csv --only -o strange.csv
    """
    from cbvae_cli.answers.score import Score

    answer_rows(
        "score",
        bundle,
        data,
        output,
        lambda model, source: Score(
            model, source, method=method, prefix=prefix, only=only
        ),
        _tell,
        compute=compute,
        reading=reading,
        writing=writing,
        telling=telling,
    )


def _tell(summary: dict[str, Any], talk: "Talk") -> None:
    silent = summary["too_small_to_judge"]
    if summary["pvalue_below_0.01"] is None:
        talk.warn("every class is too small for p-values; cbvae_pvalue stays empty")
        talk.say(f"scored {summary['rows']:,} rows")
        return
    if silent:
        named = ", ".join(f"'{name}'" for name in silent)
        talk.warn(f"too few rows to judge by: {named}; left out of scores")
    below = summary["pvalue_below_0.01"]
    talk.say(f"scored {summary['rows']:,} rows; {below:,} have a p-value below 0.01")
