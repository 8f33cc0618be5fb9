"""`cbvae augment`: synthetic rows of a class."""

from typing import Annotated, Literal

import typer

from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing, spread
from cbvae_cli.cli.options import BundleIn, RowsOut

Count = Annotated[
    int,
    typer.Option(
        "-n", min=1, metavar="N", help="How many rows to make.", show_default=False
    ),
]
OfClass = Annotated[
    str | None,
    typer.Option(
        "--class", metavar="CLASS", help="Class to make.  [default: the smallest]"
    ),
]
MethodOption = Annotated[
    Literal["prior", "posterior", "interpolate"],
    typer.Option(
        "--method",
        help="Where rows come from: prior (where the class lies in latent space), "
        "posterior (near real rows) or interpolate (between real rows).",
    ),
]
RealRows = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DATA",
        help="The training table; needed by posterior and interpolate.",
    ),
]


@spread
def augment(
    bundle: BundleIn,
    n: Count,
    output: RowsOut = None,
    of_class: OfClass = None,
    method: MethodOption = "prior",
    data: RealRows = None,
    *,
    compute: Compute,
    reading: Reading,
    writing: Writing,
    telling: Telling,
) -> None:
    """Make synthetic rows of a class, which look as training rows do.

    Example: cbvae augment fraud.cbvae -n 500 -o synthetic.csv
    """
    from cbvae_cli.answers.augment import Augment, method_for
    from cbvae_cli.bundle.model import open_model
    from cbvae_cli.report.machine import emit
    from cbvae_cli.report.progress import Progress
    from cbvae_cli.table.formats import holds_text
    from cbvae_cli.table.sink import check_output, open_sink
    from cbvae_cli.table.source import open_source

    talk = telling.talk(output)
    options = writing.options()
    check_output(output, options)
    model = open_model(bundle, compute.prepare())
    label = model.schema.label
    place = label.smallest if of_class is None else label.place(of_class)
    if data is None:
        drawing = method_for(method, model, place, None)
    else:
        with open_source(data, reading.options()) as source:
            drawing = method_for(method, model, place, source)
    text = holds_text(output, options.format)
    rows = Augment(model, place, n, drawing, seed=compute.seed, text=text)
    done = 0
    with (
        open_sink(output, rows.schema(), options) as sink,
        Progress("augment", talk) as progress,
    ):
        for batch in rows.batches():
            sink.write(batch)
            done += batch.num_rows
            progress.update(done, n)
    summary = rows.summary()
    summary["method"] = method
    talk.say(f"made {summary['rows']:,} rows of class '{summary['class']}'")
    summary["warnings"] = talk.warnings
    emit(summary, "augment", telling.json, rows_to_stdout=talk.rows_to_stdout)
