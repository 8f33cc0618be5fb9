"""The whole road from a table to a model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.certify import Certificate, certify
from cbvae_cli.calibration.filling import Filling
from cbvae_cli.evidence import encode_rows, take
from cbvae_cli.families.contract import Family
from cbvae_cli.families.mixture import Mixture, fit_mixture
from cbvae_cli.records import Epoch, Settings
from cbvae_cli.table.gaps import Gaps, find_gaps
from cbvae_cli.table.kind import FitScale
from cbvae_cli.table.scale import fit_quantiles, fit_standard
from cbvae_cli.training.blind import Known
from cbvae_cli.training.calibrate import calibrate
from cbvae_cli.training.charting import chart
from cbvae_cli.training.checkpoint import Checkpoint
from cbvae_cli.training.classes import tiny_classes
from cbvae_cli.training.detect import detecting_of
from cbvae_cli.training.filling import Lesson
from cbvae_cli.training.identity import identity_of, known_of
from cbvae_cli.training.loop import Loop
from cbvae_cli.training.parts import CERTIFIED, HELD, Parts
from cbvae_cli.training.read import Table
from cbvae_cli.training.run_folder import RunFolder
from cbvae_cli.training.search import SEARCHING, searched, within
from cbvae_cli.training.start import Start, prepare

SCALES: dict[str, FitScale] = {"quantile": fit_quantiles, "standard": fit_standard}
JOINT, FILLING = "joint", "filling"  # phases after the first
TRIED_STEPS = 10
MOST_ENCODED = 20_000  # rows of a class whose encodings a mixture is fitted on


def estimate_seconds(table: Table, settings: Settings, device: torch.device) -> float:
    """Guess how long training takes, from a few steps that are thrown away."""
    start = prepare(table, settings, device)
    loop = start.generative()
    return _step_seconds(loop) * sum(start.steps)


def _step_seconds(loop: Loop) -> float:
    """Time a few steps."""
    begin = time.perf_counter()
    loop.advance()  # the first step warms up
    tried = min(TRIED_STEPS, loop.steps - 1)  # the schedule ends with the last
    if tried:
        begin = time.perf_counter()
    for _ in range(tried):
        loop.advance()
    return (time.perf_counter() - begin) / max(tried, 1)


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
    start = prepare(table, _settled(table, settings, device), device)
    if run_folder is None:
        return _fitted(table, start, observe, None, resume)
    with RunFolder(run_folder, fresh=not resume) as home:
        known = known_of(table, start.settings)
        checkpoint = Checkpoint(run_folder, identity_of(known), home, known)
        return _fitted(table, start, observe, checkpoint, resume)


def _fitted(
    table: Table,
    start: Start,
    observe: Callable[[Epoch], None],
    checkpoint: Checkpoint | None,
    resume: bool,
) -> Model:
    known, family, settings = start.known, start.family, start.settings
    classifier, loops = _trained(start, observe, checkpoint, resume)
    filling = _filling(start, loops, observe, checkpoint, resume)
    family.mixtures = mixtures_of(family, known, settings.seed)
    found = calibrate(family, classifier, known, settings.seed, detecting_of(settings))
    training: dict[str, Any] = {
        "steps": sum(start.steps),
        "best_steps": [loop.best_step.tolist() for loop in loops],
        "parts": _part_counts(known.parts, table),
        "held_out": found.held_out,
        "posterior": found.parts,
        "history": [plain_epoch(epoch) for loop in loops for epoch in loop.history],
        "warnings": [*table.warnings, *tiny_classes(table.schema)],
        "settings": {**asdict(settings), "hidden": list(settings.hidden)},
        "data": {"rows": sum(table.schema.label.counts), "digest": table.digest},
    }
    for loop in loops:
        training |= loop.objective.record()
    model = Model(
        table.schema,
        family.layout,
        family,
        classifier,
        found.temperatures,
        found.posterior,
        found.thresholds,
        found.judges,
        None,
        training["settings"],
        training,
        found.witnesses,
        gaps_of(table),
        filling=filling,
    )
    charted = chart(family, known, settings.seed)
    return replace(model, certificate=_certified(model, known), atlas=charted)


def _settled(table: Table, settings: Settings, device: torch.device) -> Settings:
    """Search for settings and shorten training, where that is wanted."""
    begun, limit = time.monotonic(), settings.time_limit

    def judge(tried: Settings) -> float:
        model = fit(
            table,
            replace(tried, time_limit=None),
            device=device,
            observe=lambda epoch: None,
            run_folder=None,
            resume=False,
        )
        found: dict[str, Any] = model.training["held_out"]
        return float(found.get("posterior", {}).get("log_loss", 0.0))

    if settings.search:
        deadline = None if limit is None else begun + SEARCHING * limit
        settings = replace(searched(settings, judge, deadline), search=False)
    if limit is None:
        return settings
    each = _step_seconds(prepare(table, settings, device).generative())
    return within(settings, each, limit - (time.monotonic() - begun))


def _trained(
    start: Start,
    observe: Callable[[Epoch], None],
    checkpoint: Checkpoint | None,
    resume: bool,
) -> tuple[Family, list[Loop]]:
    """Run the phases; gives the networks for telling classes apart, and the loops."""
    family = start.family
    loops = [start.generative()]
    total = sum(start.steps)
    _run(loops[0], "generative", 0, total, observe, checkpoint, resume)
    family.nets.eval().requires_grad_(False)
    if not start.sharpens:
        return family.teller, loops
    classifier = family.to_sharpen()
    loops.append(start.joint(classifier))
    goes_on = resume and checkpoint is not None and checkpoint.phase(JOINT).exists
    _run(loops[1], JOINT, loops[0].steps, total, observe, checkpoint, goes_on)
    classifier.nets.eval().requires_grad_(False)
    return classifier, loops


def _filling(
    start: Start,
    loops: list[Loop],
    observe: Callable[[Epoch], None],
    checkpoint: Checkpoint | None,
    resume: bool,
) -> Filling | None:
    """Learn how cells are filled, where the settings want it and columns allow it."""
    *_, steps = start.steps
    if not steps:
        return None
    lesson = Lesson.of(start.family, start.known, start.settings.seed)
    if not lesson.learner.cells.learnt.any() or not len(lesson.rows):
        return None
    before = sum(loop.steps for loop in loops)
    goes_on = resume and checkpoint is not None and checkpoint.phase(FILLING).exists
    loop = lesson.loop(steps)
    _run(loop, FILLING, before, sum(start.steps), observe, checkpoint, goes_on)
    return lesson.learnt()


def _run(
    loop: Loop,
    phase: str,
    before: int,
    total: int,
    observe: Callable[[Epoch], None],
    checkpoint: Checkpoint | None,
    resume: bool,
) -> None:
    own = checkpoint.phase(phase) if checkpoint is not None else None
    if own is not None and resume:
        loop.restore(own.load())
    loop.run(
        lambda epoch: observe(replace(epoch, step=before + epoch.step, steps=total)),
        own,
    )
    if own is not None:
        own.keep(loop.snapshot())  # a run that is broken off later starts behind it


def mixtures_of(family: Family, known: Known, seed: int) -> list[Mixture]:
    """Fit the aggregate posterior of every class and member on its training rows."""
    found = []
    for place in range(family.n_classes):
        own = np.flatnonzero(known.labels == place)
        for member in range(family.n_members):
            parts = known.parts
            rows = np.union1d(parts.trains(member, own), parts.stop(member, own))
            some = take(known.encoded, rows[: MOST_ENCODED // family.n_members])
            mean, deviation = encode_rows(family, some, place, member)
            found.append(fit_mixture(mean, deviation, seed))
    return found


def gaps_of(table: Table) -> tuple[Gaps, ...]:
    """Count which cells go missing together, class by class."""
    trains = np.ones(len(table.labels), dtype=bool)
    if table.validation is not None:
        trains = ~table.validation
    places = range(len(table.schema.label.classes))
    return tuple(
        find_gaps(table.values[trains & (table.labels == place)]) for place in places
    )


def _certified(model: Model, known: Known) -> Certificate | None:
    """Score the rows that nothing has seen, by the model as it will be deployed."""
    rows = known.parts.certified(np.arange(len(known.labels)))
    if not len(rows):
        return None
    label = known.label
    log_p = model.log_probabilities(known.values[rows], "posterior")
    return certify(log_p, known.labels[rows], label.place(label.positive))


def _part_counts(parts: Parts, table: Table) -> dict[str, list[int]]:
    """Count each class's rows: that train, calibrate, or certify."""
    calibrates = (parts.fold >= 0) | (parts.fold == HELD)
    kinds: dict[str, NDArray[np.bool_]] = {
        "train": parts.fold > HELD,
        "calibrate": calibrates,
        "certify": parts.fold == CERTIFIED,
    }
    n_classes = len(table.schema.label.classes)
    return {
        name: np.bincount(table.labels[chosen], minlength=n_classes).tolist()
        for name, chosen in kinds.items()
    }


def plain_epoch(epoch: Epoch) -> dict[str, Any]:
    """Give a report in a form that JSON can hold."""
    held_out = [None if np.isnan(loss) else loss for loss in epoch.held_out]
    return {"step": epoch.step, "train": list(epoch.train), "held_out": held_out}
