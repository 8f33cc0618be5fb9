"""A program with one verb that fails on demand, run as a file or in the process."""

import os
import signal
import sys
import time
from typing import Annotated, Literal

import typer

from cbvae_cli.cli.app import main, new_app
from cbvae_cli.cli.options import (
    BatchRows,
    BundleIn,
    Delimiter,
    Device,
    Encoding,
    Engine,
    Force,
    InFormat,
    Json,
    MaxMemory,
    NoDefaultNulls,
    Null,
    Only,
    OutFormat,
    Prefix,
    Quiet,
    RowsIn,
    RowsOut,
    Seed,
    Threads,
    rows_to_stdout,
)
from cbvae_cli.cli.register import add_verb
from cbvae_cli.errors import BundleProblem, CheckFailed, DataProblem, Interrupted
from cbvae_cli.report.console import Talk
from cbvae_cli.report.machine import emit

SEEN: dict[str, object] = {}


def work(
    bundle: BundleIn,
    data: RowsIn,
    output: RowsOut = None,
    fail: Annotated[str, typer.Option("--fail")] = "",
    rate: Annotated[float, typer.Option("--rate", min=0)] = 0.5,
    rule: Annotated[Literal["low", "high"], typer.Option("--rule")] = "low",
    in_format: InFormat = None,
    out_format: OutFormat = None,
    null: Null = None,
    no_default_nulls: NoDefaultNulls = False,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    prefix: Prefix = "cbvae_",
    only: Only = False,
    seed: Seed = 0,
    threads: Threads = 0,
    device: Device = "auto",
    engine: Engine = "local",
    max_memory: MaxMemory = None,
    batch_rows: BatchRows = None,
    json: Json = None,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Do as told.

    Example: cbvae work b.cbvae rows.csv -o out.csv
    """
    SEEN.clear()
    SEEN.update(locals())
    talk = Talk(quiet, json, rows_to_stdout(output))
    talk.say("working")
    if rows_to_stdout(output):
        print("a,b")
    misfortune(fail)
    emit({"rows": 1}, "work", json, rows_to_stdout=rows_to_stdout(output))
    if fail == "check":
        raise CheckFailed("the check failed")


def peek(bundle: BundleIn, json: Json = None) -> None:
    """Look at a bundle."""
    if bundle == "bad":
        raise BundleProblem("not a bundle", where=bundle)
    emit({"bundle": bundle}, "peek", json)


def misfortune(name: str) -> None:
    if name == "data":
        raise DataProblem(
            "column '\x1b[31mage' holds text",
            where="a.csv, line 3: 'x\ny'",
            expected="a number",
            hint="add --null",
        )
    if name == "saved":
        raise Interrupted("interrupted; the work is saved", hint="run with --resume")
    if name == "bug":
        raise ZeroDivisionError("row 17 holds secret-value")
    if name == "memory":
        raise MemoryError
    if name == "disk":
        raise OSError(28, "No space left on device", "/some/out.csv")
    if name == "missing":
        open("/no/such/file")
    if name == "terminated":
        os.kill(os.getpid(), signal.SIGTERM)
    if name == "sleep":
        print("ready", file=sys.stderr, flush=True)
        time.sleep(60)
    if name == "flood":
        while True:
            print("x" * 1000)


def program() -> typer.Typer:
    app = new_app()
    add_verb(app, work)
    add_verb(app, peek)
    return app


if __name__ == "__main__":
    sys.exit(main(app=program()))
