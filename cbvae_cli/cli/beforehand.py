"""What `train` refuses before it reads a row."""

import os
from pathlib import Path

from cbvae_cli.cli.jobs import Jobs
from cbvae_cli.cli.pairs import looks_like_bundle
from cbvae_cli.errors import UsageProblem

TRAIN = "cbvae train DATA --label COL -o NAME.cbvae"
OUTPUT = "-o NAME.cbvae, or -o models/ for a store of versions"


def named(data: str | None, label: str | None) -> tuple[str, str]:
    """Refuse to train without a table or a label column."""
    if data is None:
        raise UsageProblem(
            "there is no table to train on",
            expected=TRAIN,
        )
    if looks_like_bundle(data):
        raise UsageProblem(
            f"'{data}' is a bundle, not a table to train on",
            expected=TRAIN,
            hint="train DATA --update BUNDLE changes a bundle",
        )
    if label is None:
        raise UsageProblem(
            "no column is named that holds each row's class", expected="--label COL"
        )
    return data, label


def checked_output(output: str | None, *, force: bool, dry_run: bool) -> str:
    """Refuse a bundle path that cannot be written, before any work is done."""
    from cbvae_cli.bundle.store import check_store, is_store
    from cbvae_cli.bundle.target import check_name, checked_target
    from cbvae_cli.table.formats import ending_format

    if output is None or output == "-":
        if dry_run:
            return ""
        raise UsageProblem(
            "there is no bundle to write to",
            expected=OUTPUT,
        )
    if ending_format(output) is not None:
        # A slip such as `-o payments.csv --force` must not cost a table.
        raise UsageProblem(
            f"'{output}' is the name of a table, not of a bundle",
            expected=OUTPUT,
        )
    store = is_store(output)
    if not store:
        check_name(output)
    if dry_run:
        return output
    if store:
        check_store(output)
    else:
        checked_target(output, force=force)
    return output


def run_folder(target: str) -> Path:
    """Give the folder of an unfinished run, beside the bundle it will become."""
    from cbvae_cli.bundle.store import is_store

    path = Path(target)
    if is_store(target):
        return path / ".next.cbvae.run"
    return path.with_name(f".{path.name}.run")


def check_resumable(output: str) -> None:
    """Refuse to go on with a run that has ended, or that never began."""
    from cbvae_cli.bundle.store import holds_bundles, resolve

    folder = run_folder(output)
    if folder.exists():
        return
    if not (os.path.isfile(output) or holds_bundles(output)):
        raise UsageProblem(
            "there is no interrupted run to resume",
            where=str(folder),
            hint="leave --resume out to start anew",
        )
    raise UsageProblem(
        f"there is no interrupted run to resume: {resolve(output)} is finished",
        hint="use that bundle; or leave --resume out (and add --force for a file) to "
        "train anew",
    )


def check_one_stream(data: str, validation: str | None) -> None:
    """Refuse to read two tables from one stream."""
    if data == validation == "-":
        raise UsageProblem(
            "the table and --validation cannot both be standard input",
            hint="name a file for one of them",
        )


def check_one_calibrator(held: object, jobs: Jobs) -> None:
    """Refuse a share of rows to calibrate on beside times that choose them."""
    if jobs.time is not None and isinstance(held, float):
        raise UsageProblem(
            f"--time {jobs.time} and --validation {held:g} both choose the rows that "
            "calibrate",
            expected="one of them, or a table of its own for --validation",
            hint="leave --validation out: with --time the latest fifth of the rows "
            "calibrates",
        )
