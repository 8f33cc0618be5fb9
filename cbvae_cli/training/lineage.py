"""Which bundles can be updated, and what they say of it afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import NoneType
from typing import Any

from cbvae_cli.answers.model import DROPPED, Model
from cbvae_cli.errors import BundleProblem, UsageProblem
from cbvae_cli.families.cbvae import ClassVAE
from cbvae_cli.families.contract import Family
from cbvae_cli.records import Settings
from cbvae_cli.table.label import Label
from cbvae_cli.table.wording import listed, shown
from cbvae_cli.training.classes import tiny_classes

ADDED, RETRAINED = "added", "retrained"


def by_class(family: Family) -> ClassVAE:
    """Refuse a family whose classes share networks.

    Raises
    ------
    UsageProblem
    """
    if not isinstance(family, ClassVAE):
        raise UsageProblem(
            f"in a {family.name} bundle no class has networks of its own",
            expected="a bundle of --model cbvae",
            hint="train a new one on all rows",
        )
    return family


@dataclass(frozen=True)
class Step:
    """One update.

    Attributes
    ----------
    name : str
        The class.
    action : str
        `ADDED`, `RETRAINED` or `DROPPED`.
    digest : str
        Of the table that it was trained from, if any.
    replayed : tuple of str
        Classes whose rows were drawn from their own networks.
    """

    name: str
    action: str
    digest: str = ""
    replayed: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Say why probabilities are approximate."""
        name = shown(self.name)
        if self.action == DROPPED:
            why = f"they were fitted with class {name}, which was dropped since"
        elif self.replayed:
            rows = f"rows of {listed(self.replayed)} drawn from the bundle itself"
            why = f"class {name} was {self.action} beside {rows}"
        else:
            why = (
                f"class {name} was {self.action} beside rows that the networks of the "
                "other classes may have learnt from"
            )
        return f"probabilities are approximate: {why}"

    def describe(self) -> dict[str, Any]:
        """Give the JSON form."""
        found: dict[str, Any] = {"class": self.name, "action": self.action}
        if self.action != DROPPED:
            found |= {"data": self.digest, "replayed": list(self.replayed)}
        return found


def settings_of(model: Model) -> Settings:
    """Give the settings that a bundle was trained with.

    Raises
    ------
    BundleProblem
        If the bundle holds others than training writes.
    """
    usual = Settings()
    found: dict[str, Any] = {}
    for name, value in asdict(usual).items():
        own = model.settings.get(name, value)
        own = tuple(own) if isinstance(own, list) else own
        if type(own) is not type(value) and not _is_number(own, value):
            raise BundleProblem(f"the bundle holds an impossible setting '{name}'")
        found[name] = own
    # Not tried again: one class keeps to what suited all.
    return replace(usual, **{**found, "search": False, "time_limit": None})


def _is_number(own: object, usual: object) -> bool:
    """Tell a whole number, or a number of seconds, where a float is usual."""
    return isinstance(own, int | float) and isinstance(usual, float | NoneType)


def followed(
    old: Model,
    step: Step,
    order: Sequence[int],
    label: Label,
    own: Mapping[str, int],
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """Give a training record after one more update.

    Parameters
    ----------
    old : Model
    step : Step
    order : sequence of int
        Where each class comes from: a place in the old bundle, or one behind its
        last.
    label : Label
        Of the new bundle.
    own : mapping of str to int
        How many rows of the class have each part in training, if it was trained.
    warnings : sequence of str
        Of the table that it was trained from.

    Returns
    -------
    dict
        As `Model.training`; what was measured before is left out.
    """
    training = dict(old.training)
    parts = {
        part: [[*counts, own.get(part, 0)][at] for at in order]
        for part, counts in training["parts"].items()
    }
    stale = tiny_classes(old.schema)
    tiny = tiny_classes(replace(old.schema, label=label))
    kept = [warning for warning in training["warnings"] if warning not in stale]
    past = json.dumps([training["data"]["digest"], step.describe()])
    return {
        **training,
        "parts": parts,
        "held_out": {},
        "posterior": {},
        "warnings": list(dict.fromkeys([*kept, *warnings, *tiny, step.reason])),
        "approximate": step.reason,
        "updates": [*training.get("updates", ()), step.describe()],
        "data": {
            "rows": sum(label.counts),
            "digest": hashlib.sha256(past.encode()).hexdigest(),
        },
    }
