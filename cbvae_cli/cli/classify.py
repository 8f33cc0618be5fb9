"""`cbvae classify`: name the class of each row."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cbvae_cli.cli.decisions import Deciding
from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing, spread
from cbvae_cli.cli.options import BundleIn, Only, Prefix, RowsIn, RowsOut
from cbvae_cli.cli.pairs import check_pair
from cbvae_cli.cli.streaming import answer_rows

if TYPE_CHECKING:
    from cbvae_cli.answers.classify import Classify
    from cbvae_cli.answers.model import Model
    from cbvae_cli.report.console import Talk
    from cbvae_cli.table.source import Source

RuleOption = Annotated[
    Literal["posterior", "likelihood", "probability", "error", "discriminator"],
    typer.Option(
        "--rule",
        help="What decides: posterior (evidence and cells, blended), likelihood "
        "(importance-weighted, with class shares), probability (of reconstruction), "
        "error (the papers' lowest squared error) or discriminator (of dvaan). Not "
        "every model has every rule.",
    ),
]


@spread
def classify(
    bundle: BundleIn,
    data: RowsIn,
    output: RowsOut = None,
    rule: RuleOption = "posterior",
    prefix: Prefix = "cbvae_",
    only: Only = False,
    *,
    deciding: Deciding,
    compute: Compute,
    reading: Reading,
    writing: Writing,
    telling: Telling,
) -> None:
    """Name the class of each row.

    Adds cbvae_label, cbvae_p_CLASS (probability) and cbvae_error_CLASS (mean squared
    error over the seen cells, where classes reconstruct differently) for each class.

    By default the positive class (the smallest, or --positive) is called from the
    probability that has the best F1 on rows the members had not seen.

    Example: cbvae classify fraud.cbvae new.csv -o named.csv
    """
    deciding.check()
    check_pair("classify", bundle, data)

    def ask(model: "Model", source: "Source") -> "Classify":
        from cbvae_cli.answers.classify import Classify

        wishes = deciding.wishes(model.schema.label)
        return Classify(
            model, source, rule=rule, wishes=wishes, prefix=prefix, only=only
        )

    answer_rows(
        "classify",
        bundle,
        data,
        output,
        ask,
        _tell,
        compute=compute,
        reading=reading,
        writing=writing,
        telling=telling,
    )


def _tell(summary: dict[str, Any], talk: "Talk") -> None:
    counts = ", ".join(f"{name}: {n:,}" for name, n in summary["classes"].items())
    if "none_of_these" in summary:
        counts += f", none of these: {summary['none_of_these']:,}"
        silent = ", ".join(f"'{name}'" for name in summary["cannot_be_ruled_out"])
        if silent:
            talk.warn(
                "--abstain promises nothing for classes of too few held-out rows, "
                f"which lose those stranger than all of them: {silent}"
            )
    talk.say(f"classified {summary['rows']:,} rows ({counts})")
    if "threshold" in summary:
        called, threshold = summary["positive"], summary["threshold"]
        talk.say(f"'{called}' is called from a probability of {threshold:.3g}")
    if "fpr" in summary:
        sure = summary["confidence"]
        how = f"with confidence {sure:g}" if sure else "on average"
        talk.say(
            f"false alarms for '{summary['positive']}' are at most "
            f"{summary['fpr']:g} of the other rows, {how}; certified on "
            f"{summary['certified_on']:,} rows"
        )
