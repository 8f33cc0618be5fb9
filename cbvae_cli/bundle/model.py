"""A fitted model as manifest and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import cbvae_cli
from cbvae_cli.answers.model import Model
from cbvae_cli.bundle.card import render_card
from cbvae_cli.bundle.container import read_bundle, write_bundle
from cbvae_cli.bundle.misfit import fitting_together
from cbvae_cli.bundle.store import append_bundle, is_store, resolve
from cbvae_cli.calibration.atlas import Atlas
from cbvae_cli.calibration.certify import Certificate
from cbvae_cli.calibration.conformal import Conformal
from cbvae_cli.calibration.filling import Filling
from cbvae_cli.calibration.posterior import Posterior
from cbvae_cli.calibration.strangeness import JUDGED, Judges, Strangeness
from cbvae_cli.calibration.temperature import Members
from cbvae_cli.calibration.witness import Witness
from cbvae_cli.errors import BundleProblem
from cbvae_cli.families import FAMILIES, family_class
from cbvae_cli.families.contract import Family
from cbvae_cli.networks.vae import Shape
from cbvae_cli.table.gaps import Gaps
from cbvae_cli.table.kind import under
from cbvae_cli.table.label import Label
from cbvae_cli.table.matrix import Layout
from cbvae_cli.table.schema import Schema

Arrays = Mapping[str, NDArray[Any]]


def save_model(model: Model, path: str, *, force: bool) -> Path:
    """Write a model as a bundle, or behind the newest of a store.

    Parameters
    ----------
    model : Model
    path : str
        `NAME.cbvae`, or a store: a path that ends in `/`, or a folder.
    force : bool
        Replace an existing bundle.

    Returns
    -------
    Path
        The file that was written.
    """
    manifest, arrays = describe(model)
    card = render_card(manifest)
    if is_store(path):
        return append_bundle(path, manifest, arrays, card)
    return write_bundle(path, manifest, arrays, card, force=force)


def open_model(path: str, device: torch.device) -> Model:
    """Read the model that a path names; see `cbvae_cli.bundle.store.resolve`.

    Raises
    ------
    BundleProblem
        If the bundle is damaged, foreign, too new, or does not fit together.
    """
    found = resolve(path)
    manifest, arrays = read_bundle(found)
    with fitting_together(found):
        return restore(manifest, arrays, device)


def describe(model: Model) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Give a model's manifest and arrays."""
    training = dict(model.training)
    data = training.pop("data", {})
    nets = model.family.nets
    manifest = {
        "program": {
            "name": "cbvae",
            "version": cbvae_cli.__version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
        },
        "model": {
            "family": model.family.name,
            "preset": model.settings.get("preset", ""),
            "latent": nets.shape.latent,
            "hidden": list(nets.shape.hidden),
            "noise": nets.shape.noise,
            "likelihoods": list(model.layout.likelihoods),
            "members": model.family.n_members,
            "sharpened": model.classifier is not model.family.teller,
        },
        "schema": model.schema.describe(),
        "label": model.schema.label.describe(),
        "data": data,
        "training": training,
        "calibration": {
            "temperatures": {
                rule: fitted.describe() for rule, fitted in model.temperatures.items()
            },
            "posterior": model.posterior.describe(),
            "thresholds": [float(each) for each in model.thresholds],
        },
    }
    arrays = {f"schema/{n}": array for n, array in model.schema.arrays().items()}
    arrays |= {f"family/{n}": array for n, array in model.family.arrays().items()}
    if model.classifier is not model.family.teller:
        sharp = model.classifier.arrays()
        arrays |= {f"classifier/{n}": array for n, array in sharp.items()}
    arrays |= {f"posterior/{n}": a for n, a in model.posterior.arrays().items()}
    if model.certificate is not None:
        certificate = model.certificate.arrays()
        arrays |= {f"certificate/{n}": a for n, a in certificate.items()}
    for method, judges in model.judges.items():
        for name, array in judges.ranks.arrays().items():
            arrays[f"strangeness/{method}/all/{name}"] = array
        for place, judge in enumerate(judges.by_class):
            for name, array in judge.arrays().items():
                arrays[f"strangeness/{method}/{place}/{name}"] = array
    for place, witness in enumerate(model.witnesses):
        for name, array in witness.arrays().items():
            arrays[f"witness/{place}/{name}"] = array
    for place, gaps in enumerate(model.gaps):
        for name, array in gaps.arrays().items():
            arrays[f"gaps/{place}/{name}"] = array
    if model.atlas is not None:
        arrays |= {f"atlas/{n}": array for n, array in model.atlas.arrays().items()}
    if model.filling is not None:
        arrays |= {f"filling/{n}": a for n, a in model.filling.arrays().items()}
    return manifest, arrays


def restore(manifest: Mapping[str, Any], arrays: Arrays, device: torch.device) -> Model:
    """Build a model from what `describe` gave."""
    label = Label.restore(manifest["label"])
    schema = Schema.restore(manifest["schema"], under(arrays, "schema/"), label)
    described = manifest["model"]
    if described["family"] not in FAMILIES:
        raise BundleProblem(
            f"the bundle holds a model of an unknown family '{described['family']}'",
            expected="one of " + ", ".join(FAMILIES),
            hint="update cbvae",
        )
    layout = Layout(schema.kinds, tuple(described["likelihoods"]))
    shape = Shape(
        described["latent"], tuple(described["hidden"]), bool(described["noise"])
    )
    members = described["members"]
    _check_size((layout.width, *shape.hidden, shape.latent), members, arrays)
    family = family_class(described["family"]).build(
        layout, label.classes, shape, members, 0
    )
    family.load(under(arrays, "family/"))
    _ready(family, device)
    classifier = family.teller
    if described["sharpened"]:
        classifier = family.to_sharpen()
        classifier.load(under(arrays, "classifier/"))
        _ready(classifier, device)
    calibration = manifest["calibration"]
    judges = {
        method: Judges(
            tuple(
                Strangeness.restore(under(arrays, f"strangeness/{method}/{place}/"))
                for place in range(len(label.classes))
            ),
            Conformal.restore(under(arrays, f"strangeness/{method}/all/")),
        )
        for method in JUDGED
    }
    certificate = under(arrays, "certificate/")
    filling = under(arrays, "filling/")
    training = {**manifest["training"], "data": manifest["data"]}
    return Model(
        schema,
        layout,
        family,
        classifier,
        {
            rule: Members.restore(found)
            for rule, found in calibration["temperatures"].items()
        },
        Posterior.restore(calibration["posterior"], under(arrays, "posterior/")),
        np.array(calibration["thresholds"], dtype=np.float64),
        judges,
        Certificate.restore(certificate) if certificate else None,
        training["settings"],
        training,
        tuple(
            Witness.restore(under(arrays, f"witness/{place}/"), family.n_members)
            for place in range(len(label.classes))
        ),
        tuple(
            Gaps.restore(under(arrays, f"gaps/{place}/"), len(schema.kinds))
            for place in range(len(label.classes))
        ),
        Atlas.restore(under(arrays, "atlas/"), family),
        Filling.restore(filling, layout, len(label.classes)) if filling else None,
    )


def _check_size(layers: tuple[int, ...], members: int, arrays: Arrays) -> None:
    """Refuse networks larger than their weights, before they take memory."""
    least = members * sum(one * other for one, other in pairwise(layers))
    if min(layers) < 1 or members < 1 or least > sum(a.size for a in arrays.values()):
        raise ValueError("networks of another size than their weights")


def _ready(family: Family, device: torch.device) -> None:
    """Put a family's networks in place for answering."""
    family.nets.to(device).eval().requires_grad_(False)
