"""`cbvae classify`: name the class of each row."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing, spread
from cbvae_cli.cli.options import BundleIn, Only, Prefix, RowsIn, RowsOut
from cbvae_cli.cli.streaming import answer_rows

if TYPE_CHECKING:
    from cbvae_cli.report.console import Talk

RuleOption = Annotated[
    Literal["likelihood", "probability", "error"],
    typer.Option(
        "--rule",
        help="What decides: likelihood (importance-weighted, with class shares), "
        "probability (of reconstruction) or error (the papers' lowest squared error).",
    ),
]


@spread
def classify(
    bundle: BundleIn,
    data: RowsIn,
    output: RowsOut = None,
    rule: RuleOption = "likelihood",
    prefix: Prefix = "cbvae_",
    only: Only = False,
    *,
    compute: Compute,
    reading: Reading,
    writing: Writing,
    telling: Telling,
) -> None:
    """Name the class of each row.

    Adds cbvae_label, cbvae_p_CLASS (probability) and cbvae_error_CLASS (mean squared
    error over the seen cells) for each class.

    Example: cbvae classify fraud.cbvae new.csv -o named.csv
    """
    from cbvae_cli.answers.classify import Classify

    answer_rows(
        "classify",
        bundle,
        data,
        output,
        lambda model, source: Classify(
            model, source, rule=rule, prefix=prefix, only=only
        ),
        _tell,
        compute=compute,
        reading=reading,
        writing=writing,
        telling=telling,
    )


def _tell(summary: dict[str, Any], talk: "Talk") -> None:
    counts = ", ".join(f"{name}: {n:,}" for name, n in summary["classes"].items())
    talk.say(f"classified {summary['rows']:,} rows ({counts})")
