"""`cbvae train`: fit a model to a table and write a bundle."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from cbvae_cli.cli.groups import Compute, Reading, Telling, spread
from cbvae_cli.cli.inspect import tell_held_out
from cbvae_cli.cli.options import BundleOut, Force, RowsIn
from cbvae_cli.errors import UsageProblem

if TYPE_CHECKING:
    from cbvae_cli.records import Settings
    from cbvae_cli.report.console import Talk
    from cbvae_cli.table.schema import Schema
    from cbvae_cli.training.read import Table

LabelOption = Annotated[
    str,
    typer.Option(
        "--label",
        metavar="COL",
        help="Column that names each row's class.",
        show_default=False,
    ),
]
ModelOption = Annotated[
    Literal["cbvae", "vae"],
    typer.Option(
        "--model",
        help="cbvae: one autoencoder a class; vae: a pooled one, as a baseline.",
    ),
]
PresetOption = Annotated[
    Literal["paper", "default"],
    typer.Option(
        "--preset",
        help="default: the sound version; paper: the class-based VAE paper's "
        "algorithm as written.",
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="COL",
        help="Leave a column out, as an id; may be given again.",
    ),
]
Categorical = Annotated[
    list[str] | None,
    typer.Option(
        "--categorical",
        metavar="COL",
        help="Read a column as names; may be given again.",
    ),
]
Numeric = Annotated[
    list[str] | None,
    typer.Option(
        "--numeric",
        metavar="COL",
        help="Read a column as numbers; may be given again.",
    ),
]
Latent = Annotated[
    int | None,
    typer.Option(
        "--latent",
        min=1,
        max=512,
        metavar="N",
        help="Latent dimensions.  [default: 8; paper: 10]",
    ),
]
Hidden = Annotated[
    str | None,
    typer.Option(
        "--hidden",
        metavar="N,N",
        parser=str,  # an option with a parser may be a list in a file of settings
        help="Hidden layers of the encoder.",
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        "--epochs",
        min=1,
        max=1_000_000,
        metavar="N",
        help="Passes over the rows of the largest class.  [default: as many as 1,200 "
        "steps of 256 rows make]",
    ),
]
Mask = Annotated[
    float | None,
    typer.Option(
        "--mask",
        min=0,
        metavar="N|SHARE",
        help="Cells hidden in training: below 1 the largest share of a row, from 1 "
        "upwards that many cells of each row.  [default: 0.4; paper: 2]",
    ),
]
DropUnlabelled = Annotated[
    bool,
    typer.Option("--drop-unlabelled", help="Train without rows that have no label."),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Show columns, classes and a time estimate; train nothing."
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with an interrupted run.")
]


@spread
def train(
    data: RowsIn,
    label: LabelOption,
    output: BundleOut = None,
    model: ModelOption = "cbvae",
    preset: PresetOption = "default",
    exclude: Exclude = None,
    categorical: Categorical = None,
    numeric: Numeric = None,
    latent: Latent = None,
    hidden: Hidden = None,
    epochs: Epochs = None,
    mask: Mask = None,
    drop_unlabelled: DropUnlabelled = False,
    dry_run: DryRun = False,
    resume: Resume = False,
    force: Force = False,
    *,
    compute: Compute,
    reading: Reading,
    telling: Telling,
) -> None:
    """Fit a model to a table with a label column and write a bundle.

    Missing cells are allowed everywhere but in the label.

    Example: cbvae train payments.csv --label fraud --exclude payment_id -o fraud.cbvae
    """
    from cbvae_cli.records import Columns
    from cbvae_cli.table.source import open_source
    from cbvae_cli.training.fit import SCALES
    from cbvae_cli.training.presets import PRESETS
    from cbvae_cli.training.read import find_schema, read_table
    from cbvae_cli.training.thin import thinning_for

    talk = telling.talk_only()
    target = _checked(output, force=force, dry_run=dry_run)
    given: dict[str, Any] = {
        "model": model,
        "latent": latent,
        "hidden": _layers(hidden),
        "epochs": epochs,
        "mask": mask,
        "seed": compute.seed,
    }
    known = {name: value for name, value in given.items() if value is not None}
    settings = dataclasses.replace(PRESETS[preset], **known)
    columns = Columns(
        label,
        tuple(exclude or ()),
        tuple(categorical or ()),
        tuple(numeric or ()),
        drop_unlabelled,
    )
    device = compute.prepare()
    with open_source(data, reading.options(), reread=True) as source:
        talk.say(f"reading {source.name}")
        schema, warnings = find_schema(source, columns)
        thinning = thinning_for(schema, compute.max_memory)
        table = read_table(source, schema, SCALES[settings.scale], thinning)
        table.warnings[:0] = warnings
        name = source.name
    for warning in table.warnings:
        talk.warn(warning)
    _tell_schema(table.schema, talk)
    if dry_run:
        _dry_run(table, settings, device, talk, telling)
        return
    run_folder = _run_folder(target)
    if run_folder.exists() and not resume:
        talk.warn(f"{run_folder} holds an interrupted run; --resume goes on with it")
    _fit(
        table,
        settings,
        device,
        talk,
        telling,
        name=name,
        target=target,
        run_folder=run_folder,
        resume=resume,
        force=force,
    )


def _fit(
    table: "Table",
    settings: "Settings",
    device: Any,
    talk: "Talk",
    telling: Telling,
    *,
    name: str,
    target: str,
    run_folder: Path,
    resume: bool,
    force: bool,
) -> None:
    from cbvae_cli.bundle.model import save_model
    from cbvae_cli.report.machine import emit
    from cbvae_cli.report.progress import Progress
    from cbvae_cli.training.checkpoint import Checkpoint
    from cbvae_cli.training.fit import fit

    with Progress("training", talk) as progress:
        fitted = fit(
            table,
            settings,
            device=device,
            observe=lambda epoch: progress.update(epoch.step, epoch.steps),
            run_folder=run_folder,
            resume=resume,
        )
    path = save_model(fitted, target, force=force)
    Checkpoint(run_folder, identity="").remove()
    training = dict(fitted.training)
    for warning in training["warnings"]:
        if warning not in table.warnings:
            talk.warn(warning)
    tell_held_out(training["held_out"], talk)
    talk.say(f"wrote {path}")
    summary = {
        "bundle": str(path),
        "data": name,
        "rows": len(table.labels),
        **_described(table.schema),
        "settings": training["settings"],
        "steps": training["steps"],
        "parts": training["parts"],
        "held_out": training["held_out"],
        "warnings": talk.warnings,
    }
    emit(summary, "train", telling.json)


def _checked(output: str | None, *, force: bool, dry_run: bool) -> str:
    """Refuse a bundle path that cannot be written, before any work is done."""
    from cbvae_cli.bundle.container import checked_target
    from cbvae_cli.bundle.store import check_store, is_store
    from cbvae_cli.table.formats import ending_format

    if output is None or output == "-":
        if dry_run:
            return ""
        raise UsageProblem(
            "there is no bundle to write to",
            expected="-o NAME.cbvae, or -o models/ for a store of versions",
        )
    if ending_format(output) is not None:
        # A slip such as `-o payments.csv --force` must not cost a table.
        raise UsageProblem(
            f"'{output}' is the name of a table, not of a bundle",
            expected="-o NAME.cbvae, or -o models/ for a store of versions",
        )
    if dry_run:
        return output
    if is_store(output):
        check_store(output)
    else:
        checked_target(output, force=force)
    return output


def _run_folder(target: str) -> Path:
    """Give the folder of an unfinished run, beside the bundle it will become."""
    from cbvae_cli.bundle.store import is_store

    path = Path(target)
    if is_store(target):
        path.mkdir(exist_ok=True)
        return path / ".next.cbvae.run"
    return path.with_name(f".{path.name}.run")


def _layers(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        sizes = tuple(int(size) for size in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or not all(1 <= size <= 65_536 for size in sizes):
        raise UsageProblem(
            f"--hidden {text!r} is no list of layer sizes", expected="as in 128,128"
        )
    return sizes


def _described(schema: "Schema") -> dict[str, Any]:
    label = schema.label
    return {
        "label": label.name,
        "classes": dict(zip(label.classes, label.counts, strict=True)),
        "positive": label.classes[label.smallest],
        "columns": [
            {
                "name": column.name,
                "role": column.role,
                "kind": column.kind.name if column.kind is not None else None,
            }
            for column in schema.columns
        ],
    }


def _tell_schema(schema: "Schema", talk: "Talk") -> None:
    label = schema.label
    total = sum(label.counts)
    rows = [
        (name, count, f"{count / total:.2%}")
        for name, count in zip(label.classes, label.counts, strict=True)
    ]
    talk.table(f"Classes in column '{label.name}'", ("class", "rows", "share"), rows)
    kinds: dict[str, list[str]] = {}
    for column in schema.columns:
        kind = column.kind.name if column.kind is not None else column.role
        kinds.setdefault(kind, []).append(column.name)
    listed = [
        (kind, len(names), ", ".join(names[:8]) + (", …" if len(names) > 8 else ""))
        for kind, names in kinds.items()
    ]
    talk.table("Columns", ("kind", "columns", "names"), listed)


def _dry_run(
    table: "Table", settings: "Settings", device: Any, talk: "Talk", telling: Telling
) -> None:
    from cbvae_cli.report.machine import emit
    from cbvae_cli.report.progress import spoken
    from cbvae_cli.training.fit import estimate_seconds

    seconds = estimate_seconds(table, settings, device)
    talk.say(f"training would take about {spoken(seconds)}; nothing was written")
    summary = {
        "rows": len(table.labels),
        **_described(table.schema),
        "settings": dataclasses.asdict(settings),
        "estimated_seconds": round(seconds, 1),
        "dry_run": True,
        "warnings": talk.warnings,
    }
    emit(summary, "train", telling.json)
