"""What stands before the first step: encoded rows, their parts, untrained networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import singledispatch

import numpy as np
import torch

from cbvae_cli.families import family_class
from cbvae_cli.families.contract import Family
from cbvae_cli.networks.adversarial import AdversarialVAE
from cbvae_cli.networks.vae import Shape, StackedVAE
from cbvae_cli.records import Settings
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.matrix import layout_of
from cbvae_cli.training.adversarial import Adversarial
from cbvae_cli.training.blind import Known
from cbvae_cli.training.detect import check_neighbours
from cbvae_cli.training.joint import Joint
from cbvae_cli.training.loop import Loop
from cbvae_cli.training.objective import Data, Generative, place_data
from cbvae_cli.training.parts import Parts, Places, Shares, row_keys, split, united
from cbvae_cli.training.read import Table

UNIT = dict.fromkeys(("gaussian", "bernoulli", "count", "categorical"), "unit")
MOST_NETS = 20
MOST_WIDTH = 4_000  # matrix columns of all networks together, beyond one member
LATE_SHARE = 0.2  # of rows by --time, that calibrate


@dataclass(frozen=True)
class Start:
    """Everything that stands before the first step.

    Attributes
    ----------
    family : Family
        Untrained.
    known : Known
    data : Data
    settings : Settings
        With what the table leaves of them.
    """

    family: Family
    known: Known
    data: Data
    settings: Settings

    def generative(self) -> Loop:
        """Give the loop of the first phase."""
        settings = self.settings
        objective = objective_for(self.family.nets, self.data, settings)
        return Loop(objective, self.steps[0], settings.rate, settings.seed)

    def joint(self, classifier: Family) -> Loop:
        """Give the loop of the second phase, on networks of its own."""
        settings = self.settings
        objective = Joint(classifier.nets, classifier.n_classes, self.data, settings)
        return Loop(
            objective, settings.joint_steps, settings.joint_rate, settings.seed + 3
        )

    @property
    def steps(self) -> tuple[int, int, int]:
        """Count the steps of the three phases: generative, joint, filling."""
        settings = self.settings
        first = steps_of(settings, max(len(rows.places) for rows in self.data.train))
        joint = settings.joint_steps if self.sharpens else 0
        return first, joint, min(settings.filler_steps, first)

    @property
    def sharpens(self) -> bool:
        """Tell whether there is a joint phase."""
        return (
            self.family.sharpens
            and self.family.n_classes > 1
            and self.settings.joint_steps > 0
        )


@singledispatch
def objective_for(nets: StackedVAE, data: Data, settings: Settings) -> Generative:
    """Give what networks of a kind lower in the first phase."""
    return Generative(nets, data, settings)


@objective_for.register
def _(nets: AdversarialVAE, data: Data, settings: Settings) -> Generative:
    return Adversarial(nets, data, settings)


def prepare(table: Table, settings: Settings, device: torch.device) -> Start:
    """Encode a table, split it and build untrained networks."""
    schema = table.schema
    check_neighbours(settings, schema.label)
    layout = layout_of(schema.kinds, UNIT if settings.unit_deviation else {})
    encoded = layout.encode(table.values)
    settings = _within_reach(settings, len(schema.label.classes), layout.width)
    if table.validation_share is not None:
        settings = replace(settings, held_share=table.validation_share)
    kind = family_class(settings.model)
    kind.check(len(schema.label.classes), settings.latent)
    parts = _shared_out(table, settings)
    shape = Shape(settings.latent, settings.hidden, settings.noise)
    family = kind.build(
        layout, schema.label.classes, shape, settings.members, settings.seed
    )
    family.begin(settings)
    family.nets.to(device)
    plan = family.plan(encoded, table.labels)
    names = np.array([kind.name == "categorical" for kind in layout.kinds])
    weights = _even(table.weights, len(table.labels))
    known = Known(
        table.values,
        encoded,
        table.labels,
        weights,
        _class_shares(table, weights),
        parts,
        schema.label,
        names,
    )
    drawn = None if table.weights is None else weights
    if settings.balanced:
        drawn = balanced(weights, table.labels)
    data = place_data(plan, parts, drawn, device)
    return Start(family, known, data, settings)


def _within_reach(settings: Settings, n_classes: int, width: int) -> Settings:
    """Take fewer members where classes or columns are many."""
    most = min(MOST_NETS // n_classes, MOST_WIDTH // (n_classes * width))
    return replace(settings, members=max(1, min(settings.members, most)))


def _shared_out(table: Table, settings: Settings) -> Parts:
    label = table.schema.label
    units = united(row_keys(table.values, settings.seed), table.groups)
    shares = Shares(
        settings.members,
        settings.stop_share,
        settings.held_share,
        settings.certified_share,
    )
    held = table.validation
    if held is None and table.times is not None:
        held = _latest(table.times)
    place = label.place(label.positive)
    return split(units, table.labels, place, shares, settings.seed, held=held)


def _latest(times: Floats) -> Bools | None:
    """Choose about `LATE_SHARE` of the rows, rows of a moment all or none.

    None where all rows are of one moment.
    """
    moments, counts = np.unique(times, return_counts=True)
    if len(moments) < 2:
        return None
    since = np.cumsum(counts[::-1])[::-1] / len(times)
    first = moments[1:][np.abs(since[1:] - LATE_SHARE).argmin()]
    late: Bools = times >= first
    return late


def _even(weights: Floats | None, n_rows: int) -> Floats:
    """Give every row a weight, 1 on average: only their ratios count."""
    if weights is None:
        return np.ones(n_rows)
    shares = weights / weights.max()
    even: Floats = shares / shares.mean()
    return even


def balanced(weights: Floats, labels: Places) -> Floats:
    """Weigh rows so that all classes together weigh alike."""
    sums = np.bincount(labels, weights)
    even: Floats = weights / np.maximum(sums, 1e-300)[labels]
    return even


def _class_shares(table: Table, weights: Floats) -> Floats:
    """Give the classes' shares, shape (n_classes,), by weight where rows have one."""
    counts: Floats = np.array(table.schema.label.counts, dtype=np.float64)
    if table.weights is not None:
        learnt = np.ones(len(weights), dtype=bool)
        if table.validation is not None:
            learnt = ~table.validation
        sums = np.bincount(table.labels[learnt], weights[learnt], len(counts))
        counts = sums.astype(np.float64)
    shares: Floats = counts / counts.sum()
    return shares


def steps_of(settings: Settings, most_rows: int) -> int:
    """Count steps, where the largest class has so many rows to learn from."""
    if not settings.epochs:
        return settings.steps
    return settings.epochs * max(1, -(-most_rows // settings.batch))
