"""The road that every verb takes whose answer has the rows of its input."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from cbvae_cli.cli.groups import Compute, Reading, Telling, Writing

if TYPE_CHECKING:
    from cbvae_cli.answers.frame import Answer, Sieve
    from cbvae_cli.answers.model import Model
    from cbvae_cli.report.console import Talk
    from cbvae_cli.table.source import Source


def answer_rows(
    verb: str,
    bundle: str,
    data: str,
    output: str | None,
    ask: "Callable[[Model, Source], Answer]",
    tell: "Callable[[dict[str, Any], Talk], None]",
    *,
    compute: Compute,
    reading: Reading,
    writing: Writing,
    telling: Telling,
    sieve: "Sieve | None" = None,
    reread: bool = False,
    copies: int = 1,
    allow_empty: bool = True,
) -> None:
    """Answer for every row of a table, batch by batch.

    Parameters
    ----------
    verb : str
    bundle, data : str
    output : str or None
    ask : callable
        Makes the answer from a model and a source.
    tell : callable
        Says the summary in words.
    sieve : Sieve or None
        Stands in front of the output.
    reread : bool
        Whether `ask` reads the table before it is answered for.
    copies : int
        Times that the answer holds each row while it works.
    allow_empty : bool
        Whether a table without rows is answered with its header alone.
    """
    from cbvae_cli.answers.frame import stream
    from cbvae_cli.answers.typed import Typed
    from cbvae_cli.bundle.container import read_manifest
    from cbvae_cli.bundle.store import resolve
    from cbvae_cli.report.machine import emit
    from cbvae_cli.report.novelty import warn_of_novelty
    from cbvae_cli.report.progress import Progress
    from cbvae_cli.table.arrow_alone import keep_pandas_out
    from cbvae_cli.table.formats import holds_text
    from cbvae_cli.table.parts import is_glob
    from cbvae_cli.table.sink import check_output, open_sink
    from cbvae_cli.table.source import open_source

    talk = telling.talk(output)
    options = writing.options(reading.decimal)
    keep_pandas_out()
    # A folder's files decide what the output may be called; they are checked below.
    if not (os.path.isdir(data) or is_glob(data)):
        check_output(output, options)
    if compute.max_memory is not None:
        # Too little is told before torch is loaded.
        manifest = read_manifest(resolve(bundle))
        n_columns = len(manifest["schema"]["columns"])
        reading.options(n_columns, compute.max_memory, copies)
    from cbvae_cli.bundle.model import open_model

    model = open_model(bundle, compute.prepare())
    columns = model.schema.columns
    options_in = reading.options(len(columns), compute.max_memory, copies)
    with open_source(
        data, options_in, reread=reread, allow_empty=allow_empty
    ) as source:
        check_output(output, options, parts=source.parts)
        answer = ask(model, source)
        typed = source.text and not holds_text(output, options.format)
        outgoing = Typed(model.schema, source) if typed else None
        schema = answer.schema()
        if outgoing is not None:
            schema = outgoing.schema(schema)
        retype = outgoing.batch if outgoing is not None else _as_it_is
        with (
            open_sink(output, schema, options, parts=source.parts) as sink,
            Progress(verb, talk) as progress,
            nullcontext(sink) if sieve is None else sieve.before(sink) as outlet,
        ):

            def show(n_rows: int) -> None:
                share = source.consumed()
                total = n_rows / share if share else None
                progress.update(n_rows, total)

            n_rows = stream(source, answer, outlet, show, retype)
    if not n_rows:
        talk.warn(f"{source.name} has columns but no rows, and so has the output")
    summary = answer.summary() | ({} if sieve is None else sieve.summary())
    if summary.get("infinite"):
        talk.warn(f"{summary['infinite']} infinite cells are read as missing")
    warn_of_novelty(summary, talk)
    tell(summary, talk)
    summary["warnings"] = talk.warnings
    emit(summary, verb, telling.json, rows_to_stdout=talk.rows_to_stdout)


def _as_it_is(rows: Any, _: Any) -> Any:
    return rows
