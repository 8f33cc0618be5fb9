"""Training one class of a bundle, while the others stay as they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.calibration.narrow import narrow_members
from cbvae_cli.families.cbvae import ClassVAE
from cbvae_cli.records import Epoch, Settings
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.gaps import find_gaps
from cbvae_cli.table.label import Label
from cbvae_cli.training.blind import Known
from cbvae_cli.training.charting import chart
from cbvae_cli.training.detect import detecting_of
from cbvae_cli.training.fit import mixtures_of, plain_epoch
from cbvae_cli.training.joining import (
    Among,
    Joined,
    join,
    join_anew,
    judging_together,
    known_of,
)
from cbvae_cli.training.lineage import ADDED, RETRAINED, Step, by_class, followed
from cbvae_cli.training.loop import Loop
from cbvae_cli.training.newcomer import Newcomer
from cbvae_cli.training.objective import Generative, place_data
from cbvae_cli.training.parts import (
    HELD,
    LEAST_ROWS,
    SEEN,
    Parts,
    Shares,
    row_keys,
    split,
    united,
)
from cbvae_cli.training.start import steps_of
from cbvae_cli.training.ties import still_hold
from cbvae_cli.training.update_rows import Arrival, replay

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Ground:
    """Everything that an update starts from.

    Attributes
    ----------
    old : Model
    order : list of int
        Where each class of the new bundle comes from: a place in the old one, or one
        behind its last for the class that is trained.
    known : Known
        Rows of all classes, real or drawn.
    real : bool
        Whether no class had to be drawn that has rows enough to calibrate.
    replayed : list of str
        Classes whose rows were drawn.
    settings : Settings
    """

    old: Model
    order: list[int]
    known: Known
    real: bool
    replayed: list[str]
    settings: Settings

    @property
    def own(self) -> Known:
        """Rows of the class that is trained, as a table of its own."""
        return known_of(self.known, self.place)

    @property
    def place(self) -> int:
        """Place of the class that is trained."""
        return self.order.index(len(self.old.classes))


def update(
    model: Model,
    arrival: Arrival,
    settings: Settings,
    *,
    device: torch.device,
    observe: Callable[[Epoch], None],
) -> Model:
    """Train one class, new or known, and calibrate it among the others.

    The encoding, and all weights of the other classes, stay as they are.

    Parameters
    ----------
    model : Model
        Of the family `cbvae`.
    arrival : Arrival
    settings : Settings
        The model's, with the seed of this run.
    device : torch.device
    observe : callable
        Told how training goes.

    Returns
    -------
    Model
    """
    others = by_class(model.family)
    ground = _prepare(model, arrival, settings)
    newcomer, sharp, loops = _trained(ground, device, observe)
    newcomer.mixtures = mixtures_of(newcomer, ground.own, settings.seed)
    order = ground.order
    family = classifier = others.beside(newcomer).only(order)
    if sharp is not newcomer or model.classifier is not model.family:
        classifier = by_class(model.classifier).beside(sharp).only(order)
    detecting = detecting_of(settings)
    among = Among(model, order, family, classifier, ground.known, detecting)
    joined = (join_anew if ground.real else join)(among, settings.seed)
    judges = {
        method: [*judges.by_class, joined.judges[method]]
        for method, judges in model.judges.items()
    }
    witnesses = [*model.witnesses, joined.witness]
    own = arrival.values[arrival.labels == arrival.place]
    gaps = [*model.gaps, find_gaps(own)]
    ties = still_hold(model.schema, own)
    return Model(
        replace(model.schema, label=arrival.label, ties=ties),
        model.layout,
        family,
        classifier,
        joined.temperatures,
        joined.posterior,
        joined.thresholds,
        {
            method: judging_together([every[at] for at in order])
            for method, every in judges.items()
        },
        None,
        model.settings,
        _record(ground, arrival, loops, joined),
        tuple(witnesses[at] for at in order),
        tuple(gaps[at] for at in order),
        chart(family, ground.known, settings.seed),
        None if model.filling is None else model.filling.only(order),
    )


def _prepare(model: Model, arrival: Arrival, settings: Settings) -> Ground:
    """Put real rows and drawn ones together and share them out."""
    label, n_old = arrival.label, len(model.classes)
    order = [
        n_old if name == arrival.name else model.classes.index(name)
        for name in label.classes
    ]
    counts = np.bincount(arrival.labels, minlength=len(order))
    drawn = [at for at, count in zip(order, counts, strict=True) if not count]
    like = arrival.values[arrival.labels == arrival.place]
    values, places = replay(model, drawn, like, settings.seed)
    # From places in the old bundle to those in the new one; -1 for what is replaced.
    moved = np.full(n_old + 1, -1)
    moved[order] = np.arange(len(order))
    labels = np.concatenate([arrival.labels, moved[places]])
    values = np.asfortranarray(np.concatenate([arrival.values, values]))
    shares = Shares(
        model.family.n_members, settings.stop_share, settings.held_share, 0.0
    )
    units = united(row_keys(values, settings.seed), None)
    parts = split(units, labels, arrival.place, shares, settings.seed)
    large = [count >= LEAST_ROWS for count in label.counts]
    real = bool((counts[large] >= LEAST_ROWS).all())
    if real:
        # What was drawn teaches, but real rows alone say how much to believe.
        is_drawn = np.arange(len(labels)) >= len(arrival.labels)
        parts = replace(parts, fold=np.where(is_drawn, np.int8(SEEN), parts.fold))
    known = _known(model, label, values, labels, parts)
    return Ground(
        model, order, known, real, [model.classes[at] for at in drawn], settings
    )


def _known(
    model: Model, label: Label, values: Floats, labels: Places, parts: Parts
) -> Known:
    counts = np.array(label.counts, dtype=np.float64)
    names = np.array([kind.name == "categorical" for kind in model.layout.kinds])
    return Known(
        values,
        model.layout.encode(values),
        labels,
        np.ones(len(labels)),
        counts / counts.sum(),
        parts,
        label,
        names,
    )


def _trained(
    ground: Ground,
    device: torch.device,
    observe: Callable[[Epoch], None],
) -> tuple[ClassVAE, ClassVAE, list[Loop]]:
    """Run the phases; gives networks to explain, networks to tell, and the loops."""
    old, settings, own = ground.old, ground.settings, ground.own
    nets = old.family.nets
    newcomer = ClassVAE.build(
        old.layout, own.label.classes, nets.shape, old.family.n_members, settings.seed
    )
    newcomer.nets.to(device)
    sharpens = len(ground.order) > 1 and settings.joint_steps > 0
    steps = steps_of(settings, max(ground.known.label.counts))
    total = steps + (settings.joint_steps if sharpens else 0)
    plan = newcomer.plan(own.encoded, own.labels)
    data = place_data(plan, own.parts, None, device)
    objective = Generative(newcomer.nets, data, settings)
    newcomer.nets.share_of(nets)  # in place of what these rows alone would say
    loops = [Loop(objective, steps, settings.rate, settings.seed)]
    loops[0].run(lambda epoch: observe(replace(epoch, steps=total)), None)
    newcomer.nets.eval().requires_grad_(False)
    if not sharpens:
        return newcomer, newcomer, loops
    sharp = newcomer.to_sharpen()
    loops.append(_joint(ground, sharp, device))
    loops[1].run(
        lambda epoch: observe(replace(epoch, step=steps + epoch.step, steps=total)),
        None,
    )
    sharp.nets.eval().requires_grad_(False)
    return newcomer, sharp, loops


def _joint(ground: Ground, sharp: ClassVAE, device: torch.device) -> Loop:
    old, settings, known = ground.old, ground.settings, ground.known
    every = by_class(old.family).beside(sharp).only(ground.order)
    data = place_data(
        every.plan(known.encoded, known.labels), known.parts, None, device
    )
    others = [at for at in ground.order if at < len(old.classes)]
    objective = Newcomer(
        sharp.nets,
        by_class(old.classifier).only(others).nets,
        ground.place,
        narrow_members(old.posterior.elbo, others),
        old.shares[others],
        data,
        settings,
    )
    return Loop(objective, settings.joint_steps, settings.joint_rate, settings.seed + 3)


def _record(
    ground: Ground, arrival: Arrival, loops: list[Loop], joined: Joined
) -> dict[str, Any]:
    """Say what was done, on top of what was known of the old bundle."""
    label, parts = ground.known.label, ground.known.parts
    fold = parts.fold[ground.known.labels == ground.place]
    counts = {
        "train": int((fold > HELD).sum()),
        "calibrate": int(((fold >= 0) | (fold == HELD)).sum()),
    }
    step = Step(
        arrival.name,
        RETRAINED if arrival.known else ADDED,
        arrival.digest,
        tuple(ground.replayed),
    )
    return {
        **followed(ground.old, step, ground.order, label, counts, arrival.warnings),
        "steps": sum(loop.steps for loop in loops),
        "best_steps": [loop.best_step.tolist() for loop in loops],
        "held_out": joined.held_out,
        "posterior": joined.parts,
        "history": [plain_epoch(epoch) for loop in loops for epoch in loop.history],
    }
