"""`cbvae evaluate`: measure every job on labelled rows."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cbvae_cli.cli.classify import RuleOption
from cbvae_cli.cli.decisions import PositiveOption, open_share
from cbvae_cli.cli.groups import Compute, Reading, Telling, spread
from cbvae_cli.cli.options import BundleIn, RowsIn
from cbvae_cli.cli.pairs import check_pair

if TYPE_CHECKING:
    from cbvae_cli.report.console import Talk

HiddenOption = Annotated[
    float,
    typer.Option(
        "--hidden-share",
        min=0.0,
        max=0.95,
        metavar="SHARE",
        help="Share of seen cells to hide and fill; 0 leaves imputation out.",
    ),
]
AlphaOption = Annotated[
    float,
    typer.Option(
        "--abstain",
        metavar="ALPHA",
        parser=open_share,
        help="Measure what classify --abstain ALPHA would do.",
    ),
]
BoundOption = Annotated[
    float,
    typer.Option(
        "--fpr",
        metavar="RATE",
        parser=open_share,
        help="Measure what classify --fpr RATE would do.",
    ),
]
DriftOption = Annotated[
    bool,
    typer.Option(
        "--drift",
        help="Also compare the rows with those of training; needs no labels.",
    ),
]


@spread
def evaluate(
    bundle: BundleIn,
    data: RowsIn,
    rule: RuleOption = "posterior",
    positive: PositiveOption = None,
    hidden_share: HiddenOption = 0.2,
    abstain: AlphaOption = 0.05,
    fpr: BoundOption = 0.01,
    drift: DriftOption = False,
    *,
    compute: Compute,
    reading: Reading,
    telling: Telling,
) -> None:
    """Measure every job of a bundle on labelled rows.

    The rows must not have trained the bundle, or all figures flatter. Rows without a
    label, and those of classes that the bundle does not know, are counted.

    Example: cbvae evaluate fraud.cbvae later.csv
    """
    check_pair("evaluate", bundle, data)

    from cbvae_cli.answers.evaluate import Asked, Evaluate
    from cbvae_cli.bundle.model import open_model
    from cbvae_cli.report.evaluation import tell
    from cbvae_cli.report.machine import emit
    from cbvae_cli.report.progress import Progress
    from cbvae_cli.table.source import open_source

    talk = telling.talk_only()
    model = open_model(bundle, compute.prepare())
    label = model.schema.label
    place = label.place(label.positive if positive is None else positive)
    asked = Asked(rule, place, hidden_share, abstain, fpr, drift, compute.seed)
    options = reading.options(len(model.schema.columns), compute.max_memory)
    with (
        open_source(data, options) as source,
        Progress("evaluate", talk) as progress,
    ):
        measured = Evaluate(model, source, asked)
        for batch in source.batches():
            measured.add(batch)
            share = source.consumed()
            done = batch.start + batch.rows.num_rows
            progress.update(done, done / share if share else None)
        summary = measured.summary()
    _warn(summary, talk)
    tell(summary, talk)
    summary["warnings"] = talk.warnings
    emit(summary, "evaluate", telling.json)


def _warn(summary: dict[str, Any], talk: "Talk") -> None:
    from cbvae_cli.report.novelty import warn_of_novelty
    from cbvae_cli.table.wording import listed

    if summary["trained_on"]:
        talk.warn(
            "these very rows trained the bundle, so all figures flatter; take rows "
            "that it has not seen"
        )
    unknown = summary["unknown"]
    if unknown["rows"]:
        more = f" and {unknown['more']:,} more" if unknown["more"] else ""
        talk.warn(
            f"{unknown['rows']:,} rows are of classes that the bundle does not know: "
            f"{listed(unknown['classes'])}{more}; only the anomaly figures use them"
        )
    if summary["unlabelled"] and summary["labelled"]:
        talk.warn(f"{summary['unlabelled']:,} rows have no label and are left out")
    if summary["infinite"]:
        talk.warn(f"{summary['infinite']:,} infinite cells are read as missing")
    warn_of_novelty(summary, talk)
    if summary.get("measured_rows", 0) < summary["labelled"]:
        talk.warn(
            f"figures of classes are of {summary['measured_rows']:,} rows drawn at "
            f"random out of {summary['labelled']:,}; promises and fills are of all"
        )
