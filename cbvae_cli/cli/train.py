"""`cbvae train`: fit a model to a table and write a bundle."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cbvae_cli.cli.beforehand import (
    check_one_calibrator,
    check_one_stream,
    check_resumable,
    checked_output,
    named,
    run_folder,
)
from cbvae_cli.cli.changing import Changing
from cbvae_cli.cli.detecting import Finding
from cbvae_cli.cli.fitting import (
    ColumnOption,
    DryRun,
    Epochs,
    Hidden,
    Latent,
    Mask,
    MembersOption,
    ModelOption,
    PresetOption,
    Resume,
    TableOption,
    TimeLimit,
    Validation,
    layer_sizes,
)
from cbvae_cli.cli.groups import Compute, Reading, Telling, spread
from cbvae_cli.cli.inspect import tell_adversary, tell_held_out
from cbvae_cli.cli.jobs import Jobs
from cbvae_cli.cli.keeping import told_what_is_kept
from cbvae_cli.cli.options import BundleOut, Force
from cbvae_cli.cli.summary import described, tell_positive, tell_schema, threshold_of
from cbvae_cli.cli.variants import Variants
from cbvae_cli.errors import UsageProblem

if TYPE_CHECKING:
    from cbvae_cli.records import Settings
    from cbvae_cli.report.console import Talk
    from cbvae_cli.table.kind import FitScale
    from cbvae_cli.training.read import Table


@spread
def train(
    data: TableOption = None,
    label: ColumnOption = None,
    output: BundleOut = None,
    model: ModelOption = "cbvae",
    preset: PresetOption = None,
    latent: Latent = None,
    hidden: Hidden = None,
    epochs: Epochs = None,
    mask: Mask = None,
    members: MembersOption = None,
    time_limit: TimeLimit = None,
    validation: Validation = None,
    dry_run: DryRun = False,
    resume: Resume = False,
    force: Force = False,
    *,
    variants: Variants,
    finding: Finding,
    changing: Changing,
    jobs: Jobs,
    compute: Compute,
    reading: Reading,
    telling: Telling,
) -> None:
    """Fit a model to a table with a label column and write a bundle.

    Missing cells are allowed everywhere but in the label.

    Example: cbvae train payments.csv --label fraud --exclude payment_id -o fraud.cbvae

    One class of a bundle alone: cbvae train new.csv --update fraud.cbvae -o newer.cbvae
    """
    talk = telling.talk_only()
    given: dict[str, Any] = {
        "model": model,
        "latent": latent,
        "hidden": layer_sizes(hidden),
        "epochs": epochs,
        "mask": mask,
        **variants.settings(model),
        **finding.settings(),
    }
    if changing.wanted:
        others = {"--validation": validation is not None}
        others |= {"--members": members is not None}
        others |= {"--time-limit": time_limit is not None}
        others |= {"--dry-run": dry_run, "--resume": resume}
        changing.check(data, jobs, others)
        with told_what_is_kept(None):
            changing.run(
                data,
                label,
                checked_output(output, force=force, dry_run=False),
                {**given, "preset": preset},
                force=force,
                jobs=jobs,
                compute=compute,
                reading=reading,
                telling=telling,
            )
        return
    if resume and not dry_run and output not in (None, "-"):
        check_resumable(output)
    target = checked_output(output, force=force, dry_run=dry_run)
    data, label = named(data, label)
    if resume and time_limit is not None:
        raise UsageProblem(
            "--resume cannot go on with a run under --time-limit",
            hint="give one of them alone",
        )
    given |= {"members": members, "time_limit": time_limit}
    known = {name: value for name, value in given.items() if value is not None}
    preset = preset or "default"
    settings = dataclasses.replace(_preset(preset), **known, seed=compute.seed)
    columns = jobs.columns(label)
    options = reading.options()
    check_one_stream(data, validation)

    # What is wrong with flags and files is said before torch is loaded.
    from cbvae_cli.table.source import Source, open_source
    from cbvae_cli.training.classes import tiny_classes
    from cbvae_cli.training.jobs import check_names
    from cbvae_cli.training.read import find_schema, read_table
    from cbvae_cli.training.thin import thinning_for
    from cbvae_cli.training.validation import check_validation, open_validation

    with (
        told_what_is_kept(target, resume=resume),
        open_validation(validation, options) as held,
        open_source(data, options, reread=True) as source,
    ):
        check_one_calibrator(held, jobs)
        talk.say(f"reading {source.name}")
        check_names(source, columns)
        device = compute.prepare()
        schema, warnings = find_schema(source, columns)
        if isinstance(held, Source):
            warnings += check_validation(held, schema, columns)
        thinning = thinning_for(schema, compute.max_memory)
        scale = _scale(settings)
        table = read_table(source, schema, scale, thinning, held)
        table.warnings[:0] = warnings
        name = source.name
    for warning in (*table.warnings, *tiny_classes(table.schema)):
        talk.warn(warning)
    tell_schema(table.schema, talk)
    if dry_run:
        _dry_run(table, settings, device, talk, telling)
        return
    if not resume:
        _warn_of_other_runs(run_folder(target), talk)
    _fit(
        table,
        settings,
        device,
        talk,
        telling,
        name=name,
        target=target,
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
    resume: bool,
    force: bool,
) -> None:
    from cbvae_cli.bundle.model import save_model
    from cbvae_cli.report.machine import emit
    from cbvae_cli.report.progress import Progress
    from cbvae_cli.training.fit import fit
    from cbvae_cli.training.run_folder import RunFolder

    folder = run_folder(target)
    with told_what_is_kept(target, resume=resume):
        with Progress("training", talk) as progress:
            fitted = fit(
                table,
                settings,
                device=device,
                observe=lambda epoch: progress.update(epoch.step, epoch.steps),
                run_folder=folder,
                resume=resume,
            )
        path = save_model(fitted, target, force=force)
    with RunFolder(folder, fresh=True) as home:
        home.remove()
    training = dict(fitted.training)
    for warning in training["warnings"]:
        if warning not in talk.warnings:
            talk.warn(warning)
    tell_held_out(training["held_out"], talk)
    tell_adversary(training, talk)
    threshold = threshold_of(fitted)
    tell_positive(table.schema.label.positive, threshold, talk)
    talk.say(f"wrote {path}")
    summary: dict[str, Any] = {
        "bundle": str(path),
        "data": name,
        **described(table),
        "threshold": threshold,
        "settings": training["settings"],
        "steps": training["steps"],
        "parts": training["parts"],
        "held_out": training["held_out"],
        "warnings": talk.warnings,
    }
    summary |= {key: training[key] for key in ("mu", "adversary") if key in training}
    emit(summary, "train", telling.json)


def _preset(name: str) -> "Settings":
    from cbvae_cli.training.presets import PRESETS

    return PRESETS[name]


def _scale(settings: "Settings") -> "FitScale":
    from cbvae_cli.training.fit import SCALES

    return SCALES[settings.scale]


def _warn_of_other_runs(folder: Path, talk: "Talk") -> None:
    from cbvae_cli.training.run_folder import RunFolder

    if RunFolder(folder, fresh=True).taken:
        talk.warn(
            f"another run onto the same bundle is under way ({folder}); this one "
            "could not be resumed"
        )
    elif folder.exists():
        talk.warn(f"{folder} holds an interrupted run; --resume goes on with it")


def _dry_run(
    table: "Table", settings: "Settings", device: Any, talk: "Talk", telling: Telling
) -> None:
    from cbvae_cli.report.machine import emit
    from cbvae_cli.report.progress import spoken
    from cbvae_cli.training.fit import estimate_seconds

    seconds = estimate_seconds(table, settings, device)
    talk.say(f"training would take about {spoken(seconds)}; nothing was written")
    summary = {
        **described(table),
        "settings": dataclasses.asdict(settings),
        "estimated_seconds": round(seconds, 1),
        "dry_run": True,
        "warnings": talk.warnings,
    }
    emit(summary, "train", telling.json)
