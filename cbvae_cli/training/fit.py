"""The whole road from a table to a model."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cbvae_cli import __version__
from cbvae_cli.answers.model import Model
from cbvae_cli.families import family_class
from cbvae_cli.families.contract import Family
from cbvae_cli.networks.vae import Shape
from cbvae_cli.records import Epoch, Settings
from cbvae_cli.table.kind import FitScale
from cbvae_cli.table.matrix import Encoded, layout_of
from cbvae_cli.table.scale import fit_quantiles, fit_standard
from cbvae_cli.table.schema import Schema
from cbvae_cli.training.calibrate import calibrate, mixtures
from cbvae_cli.training.checkpoint import Checkpoint
from cbvae_cli.training.loop import Loop, place_data
from cbvae_cli.training.parts import CALIBRATE, LEAST_ROWS, STOP, TRAIN, Parts, split
from cbvae_cli.training.read import Table

SCALES: dict[str, FitScale] = {"quantile": fit_quantiles, "standard": fit_standard}
UNIT = dict.fromkeys(("gaussian", "bernoulli", "count", "categorical"), "unit")
TRIED_STEPS = 10


@dataclass(frozen=True)
class Start:
    """Everything that stands before the first step.

    Attributes
    ----------
    family : Family
        Untrained.
    encoded : Encoded
        The whole table.
    parts : Parts
    loop : Loop
    """

    family: Family
    encoded: Encoded
    parts: Parts
    loop: Loop


def prepare(table: Table, settings: Settings, device: torch.device) -> Start:
    """Encode a table, split it and build untrained networks."""
    layout = layout_of(table.schema.kinds, UNIT if settings.unit_deviation else {})
    encoded = layout.encode(table.values)
    parts = split(
        table.values,
        table.labels,
        settings.stop_share,
        settings.calibration_share,
        settings.seed,
    )
    shape = Shape(settings.latent, settings.hidden, settings.noise)
    family = family_class(settings.model).build(
        layout, table.schema.label.classes, shape, settings.seed
    )
    family.nets.to(device)
    plan = family.plan(encoded, table.labels)
    return Start(
        family, encoded, parts, Loop(plan, place_data(plan, parts, device), settings)
    )


def estimate_seconds(table: Table, settings: Settings, device: torch.device) -> float:
    """Guess how long training takes, from a few steps that are thrown away."""
    loop = prepare(table, settings, device).loop
    begin = time.perf_counter()
    loop.advance()  # the first step warms up
    tried = min(TRIED_STEPS, loop.steps - 1)  # the schedule ends with the last
    if tried:
        begin = time.perf_counter()
    for _ in range(tried):
        loop.advance()
    return (time.perf_counter() - begin) / max(tried, 1) * loop.steps


def fit(
    table: Table,
    settings: Settings,
    *,
    device: torch.device,
    observe: Callable[[Epoch], None],
    run_folder: Path | None,
    resume: bool,
) -> Model:
    """Train a family on a table and calibrate its answers.

    Parameters
    ----------
    table : Table
    settings : Settings
    device : torch.device
    observe : callable
        Told how training goes.
    run_folder : Path or None
        Where an unfinished run is kept.
    resume : bool
        Go on with the run that is kept there.

    Returns
    -------
    Model
    """
    schema, labels = table.schema, table.labels
    start = prepare(table, settings, device)
    family, encoded, parts, loop = start.family, start.encoded, start.parts, start.loop
    checkpoint = None
    if run_folder is not None:
        checkpoint = Checkpoint(run_folder, _identity(table, settings))
        if resume:
            loop.restore(checkpoint.load())
    loop.run(observe, checkpoint)
    family.nets.eval().requires_grad_(False)
    family.mixtures = mixtures(family, encoded, labels, parts, settings.seed)
    temperatures, judges, held_out = calibrate(
        family, encoded, labels, parts, schema.label, settings.seed
    )
    training: dict[str, Any] = {
        "steps": loop.steps,
        "best_steps": loop.best_step.tolist(),
        "parts": _part_counts(parts, table),
        "held_out": held_out,
        "history": [_epoch(epoch) for epoch in loop.history],
        "warnings": [*table.warnings, *_tiny(schema)],
        "settings": {**asdict(settings), "hidden": list(settings.hidden)},
        "data": {"rows": sum(schema.label.counts), "digest": table.digest},
    }
    return Model(
        schema,
        family.layout,
        family,
        temperatures,
        judges,
        training["settings"],
        training,
    )


def _identity(table: Table, settings: Settings) -> str:
    """Tell runs of other data, settings or versions apart."""
    known: dict[str, Any] = {
        "settings": asdict(settings),
        "data": table.digest,
        "columns": [column.name for column in table.schema.columns],
        "version": __version__,
        "torch": torch.__version__,
    }
    text = json.dumps(known, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _part_counts(parts: Parts, table: Table) -> dict[str, list[int]]:
    n_classes = len(table.schema.label.classes)
    named = (("train", TRAIN), ("stop", STOP), ("calibrate", CALIBRATE))
    return {
        name: np.bincount(
            table.labels[parts.of_row == part], minlength=n_classes
        ).tolist()
        for name, part in named
    }


def _epoch(epoch: Epoch) -> dict[str, Any]:
    held_out = [None if np.isnan(loss) else loss for loss in epoch.held_out]
    return {"step": epoch.step, "train": list(epoch.train), "held_out": held_out}


def _tiny(schema: Schema) -> list[str]:
    label = schema.label
    return [
        f"class '{name}' has {count} row{'s' if count > 1 else ''}: all train, so "
        "nothing is known of how well it does, and it is left out of p-values"
        for name, count in zip(label.classes, label.counts, strict=True)
        if count < LEAST_ROWS
    ]
