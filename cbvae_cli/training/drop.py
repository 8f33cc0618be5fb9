"""Taking one class out of a bundle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cbvae_cli.answers.model import DROPPED, Model
from cbvae_cli.calibration.narrow import narrow_members, narrow_posterior
from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.label import Label
from cbvae_cli.training.joining import judging_together
from cbvae_cli.training.lineage import Step, by_class, followed


def drop(model: Model, name: str) -> Model:
    """Take a class out; nothing that was fitted to its rows alone stays.

    The other classes keep their weights, and their odds against each other as far as
    these were read without the class.

    Parameters
    ----------
    model : Model
        Of the family `cbvae`.
    name : str
        The class.

    Returns
    -------
    Model

    Raises
    ------
    UsageProblem
        If there is no such class, or no other.
    """
    place = model.schema.label.place(name)
    order = [at for at in range(len(model.classes)) if at != place]
    if not order:
        raise UsageProblem(
            f"'{name}' is the only class of the bundle",
            expected="a bundle that keeps a class when one is dropped",
        )
    label = _without(model.schema.label, name)
    family = classifier = by_class(model.family).only(order)
    if model.classifier is not model.family:
        classifier = by_class(model.classifier).only(order)
    return Model(
        replace(model.schema, label=label),
        model.layout,
        family,
        classifier,
        {rule: narrow_members(m, order) for rule, m in model.temperatures.items()},
        narrow_posterior(model.posterior, order),
        np.asarray(model.thresholds[order]),
        {
            method: judging_together([judges.by_class[at] for at in order])
            for method, judges in model.judges.items()
        },
        None,
        model.settings,
        followed(model, Step(name, DROPPED), order, label, {}),
        tuple(model.witnesses[at] for at in order),
        tuple(model.gaps[at] for at in order),
        None if model.atlas is None else model.atlas.only(order),
        None if model.filling is None else model.filling.only(order),
    )


def _without(label: Label, name: str) -> Label:
    """Leave a class out; the smallest becomes positive where the positive one goes."""
    counts = {
        n: c for n, c in zip(label.classes, label.counts, strict=True) if n != name
    }
    positive = "" if label.positive == name else label.positive
    return Label(
        label.name, tuple(counts), tuple(counts.values()), label.storage, positive
    )
