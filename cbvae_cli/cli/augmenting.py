"""The road of `cbvae augment`, from what a user asks for to rows and figures."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cbvae_cli.cli.ask_rows import Order
from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing
from cbvae_cli.errors import DataProblem

if TYPE_CHECKING:
    from cbvae_cli.answers.augment import Augment
    from cbvae_cli.answers.known import Known
    from cbvae_cli.answers.likeness import Sample
    from cbvae_cli.answers.making import Maker
    from cbvae_cli.answers.model import Model
    from cbvae_cli.answers.sieves import Band, Workshop
    from cbvae_cli.report.console import Talk
    from cbvae_cli.table.source import Source
    from cbvae_cli.table.targets import WriteOptions


@dataclass
class Run:
    """Everything that is open or read.

    Attributes
    ----------
    order, compute, talk, model
        What is asked for, with which bundle.
    method : str
        How rows are drawn.
    source : Source or None
        Of `--data`.
    known, gate, held : Known or None
        Rows of `--data`, `--gate`, and those that privacy is measured beside.
    figures : dict
        For the summary.
    """

    order: Order
    compute: Compute
    talk: "Talk"
    model: "Model"
    method: str = "prior"
    source: "Source | None" = None
    known: "Known | None" = None
    gate: "Known | None" = None
    held: "Known | None" = None
    figures: dict[str, Any] = field(default_factory=dict)


def carry_out(
    order: Order, compute: Compute, reading: Reading, writing: Writing, telling: Telling
) -> None:
    """Make the rows, write them, and say what they are worth."""
    from cbvae_cli.answers.gate import check_gate
    from cbvae_cli.bundle.model import open_model
    from cbvae_cli.report.augmenting import tell
    from cbvae_cli.report.machine import emit
    from cbvae_cli.table.sink import check_output

    talk = telling.talk(order.output)
    options = writing.options(reading.decimal)
    check_output(order.output, options)
    model = open_model(order.bundle, compute.prepare())
    run = Run(order, compute, talk, model, order.method or order.usual_method)
    order.places(model)  # refuses a class that is not there before rows are read
    with ExitStack() as stack:
        _read(run, reading, stack)
        shop = _workshop(run)
        maker = shop.maker(run.known)
        wanted = _wanted(run, shop)
        sample = _written(run, maker, wanted, options)
    _judge(run, sample, maker)
    summary = run.figures | {"warnings": talk.warnings}
    tell(summary, talk)
    emit(summary, "augment", telling.json, rows_to_stdout=talk.rows_to_stdout)
    if "gate_figures" in summary:
        check_gate(summary["gate_figures"]["advice"], order.gate or "")


def _read(run: Run, reading: Reading, stack: ExitStack) -> None:
    """Read the tables that are named."""
    from cbvae_cli.answers.known import read_known
    from cbvae_cli.table.source import open_source

    order, model = run.order, run.model
    options = reading.options(len(model.schema.columns), run.compute.max_memory)
    if order.data is not None:
        again = order.with_original
        run.source = stack.enter_context(open_source(order.data, options, reread=again))
        run.known = read_known(model, run.source)
    tables = {}
    for path in {order.gate: None, order.held_out: None}:
        if path is not None:
            with open_source(path, options) as source:
                tables[path] = read_known(model, source)
    run.gate = tables.get(order.gate or "")
    run.held = tables.get(order.held_out or "", run.gate)
    for known in (run.known, *tables.values()):
        for line in known.warnings if known is not None else ():
            run.talk.warn(line)


def _workshop(run: Run) -> "Workshop":
    """Say how rows are drawn, and what holds some back."""
    from cbvae_cli.answers.sieves import Copies, Workshop

    order, model = run.order, run.model
    label, places = model.schema.label, order.places(model)
    if run.known is not None and order.balance:
        largest = int(run.known.counts.max())
        places = [place for place in places if run.known.counts[place] < largest]
    band = _band(run, places)
    shop = Workshop(
        model,
        run.method,
        places,
        None if order.toward is None else label.place(order.toward),
        run.compute.seed,
        order.keep_gaps,
    )
    if band is not None:
        shop.sieves.append(band)
        run.figures["band"] = {
            label.classes[place]: width for place, width in band.widths.items()
        }
    if order.privacy and run.known is not None:
        shop.sieves.append(Copies(run.known))
    return shop


def _band(run: Run, places: list[int]) -> "Band | None":
    """Find the boundary that rows are to lie near, where the method wants one.

    A class that nothing drawn is called by has none; by a method that nobody has asked
    for, its rows come from anywhere in the class.
    """
    from cbvae_cli.answers.drawing import has_support
    from cbvae_cli.answers.sieves import AMPLE_CONFIRMED, LEAST_CONFIRMED, band_of

    if run.method != "boundary" or not places or has_support(run.model.family):
        return None
    asked = run.order.method is not None
    least = LEAST_CONFIRMED if asked else AMPLE_CONFIRMED
    try:
        return band_of(run.model, places, run.compute.seed, least)
    except DataProblem as problem:
        if asked:
            raise
        run.method = "prior"
        run.talk.warn(f"{problem.what}; rows come from --method prior instead")
        return None


def _wanted(run: Run, shop: "Workshop") -> dict[int, int]:
    """Count the rows to make of each class."""
    from cbvae_cli.answers.amount import Search, blind_folds, full_amount, plain_folds
    from cbvae_cli.report.progress import Progress
    from cbvae_cli.training.blind_rows import blind_rows

    order, known, seed = run.order, run.known, run.compute.seed
    if order.n is not None:
        return dict.fromkeys(order.places(run.model), order.n)
    assert known is not None  # `Order.check` saw to it
    places = order.places(run.model)
    if not isinstance(order.ratio, str):
        return full_amount(known.counts, places, order.ratio or 1.0)
    blind = blind_rows(run.model, known.values, known.labels)
    folds = plain_folds(known.labels, seed)
    if blind is None:
        run.talk.warn(
            "--data is not just the table that trained the bundle, so the amount is "
            "chosen on rows that the bundle may have seen"
        )
    else:
        folds = blind_folds(blind, len(known.labels))
    if "band" in run.figures:
        run.talk.warn(
            "what finds the boundary has seen the rows that the amount is chosen on, "
            "so its gain is flattered"
        )
    threads = run.compute.threads
    search = Search(shop.maker, known, folds, seed=seed, threads=threads)
    with Progress("amount", run.talk) as progress:
        full = full_amount(known.counts, places)
        amount, tried = search.best(full, progress.update)
    tried["blind"] &= "band" not in run.figures
    run.figures["ratio"] = tried
    return amount


def _written(
    run: Run, maker: "Maker", wanted: dict[int, int], options: "WriteOptions"
) -> "Sample":
    """Write the rows; gives a sample of those that were made."""
    from cbvae_cli.answers.likeness import Sample
    from cbvae_cli.report.progress import Progress

    sample, done = Sample(run.compute.seed), 0
    with (
        _outlet(run, maker, wanted, options) as (answer, write),
        Progress("augment", run.talk) as progress,
    ):
        for made in answer.blocks():
            write(answer.render(made))
            if run.known is not None:
                sample.add(made.place, made.values)
            done += len(made.values)
            progress.update(done, answer.n_rows)
    run.figures = answer.summary() | {"method": run.method} | run.figures
    return sample


@contextmanager
def _outlet(
    run: Run, maker: "Maker", wanted: dict[int, int], options: "WriteOptions"
) -> Iterator[tuple["Augment", Any]]:
    """Open the output, real rows first where they are wanted."""
    from cbvae_cli.answers.augment import Augment, Beside
    from cbvae_cli.answers.typed import Typed
    from cbvae_cli.table.formats import holds_text
    from cbvae_cli.table.sink import open_sink

    path = run.order.output
    text = holds_text(path, options.format)
    source = run.source
    if not run.order.with_original or source is None:
        answer = Augment(maker, wanted, text=text)
        with open_sink(path, answer.schema(), options) as sink:
            yield answer, sink.write
        return
    beside = Beside(source, run.order.prefix)
    beside.check()
    typed = Typed(run.model.schema, source) if source.text and not text else None
    real = typed.schema(source.schema) if typed is not None else source.schema
    schema = beside.schema(real)
    answer = Augment(maker, wanted, text=source.text and text)
    with open_sink(path, schema, options) as sink:
        n_rows = 0
        for batch in source.batches():
            rows = batch.rows if typed is None else typed.batch(batch.rows, batch)
            sink.write(beside.marked(rows, schema, made=False))
            n_rows += rows.num_rows
        run.figures["original_rows"] = n_rows
        yield answer, lambda rows: sink.write(beside.marked(rows, schema, made=True))


def _judge(run: Run, sample: "Sample", maker: "Maker") -> None:
    """Measure what the rows are like and whether they help."""
    from cbvae_cli.answers.gate import Gate
    from cbvae_cli.answers.likeness import likeness, privacy

    made, known, seed = sample.rows, run.known, run.compute.seed
    if known is None:
        return
    run.figures["fidelity"] = likeness(run.model, known, made, seed) if made else None
    if run.order.privacy:
        found = privacy(run.model, known, run.held, made, seed)
        run.figures["privacy"] = {"copies_dropped": maker.dropped[-1]} | found
    if run.gate is None:
        return
    if not made:
        run.figures["gate"] = None
        return
    threads = run.compute.threads
    judged = Gate(known, run.gate, list(made), seed=seed, threads=threads).judge(made)
    run.figures |= {"gate": judged.pop("verdict"), "gate_figures": judged}
