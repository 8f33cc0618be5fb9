"""What tells one run from another, so that none goes on with another's work."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

import torch

from cbvae_cli import __version__
from cbvae_cli.records import Settings
from cbvae_cli.table.wording import shown
from cbvae_cli.training.read import Table

FLAGS = {
    "held_share": "--validation",
    "support": "--no-support",
    **{
        name: "--" + name.replace("_", "-")
        for name in (
            *("model", "latent", "hidden", "epochs", "mask", "members", "seed"),
            *("neighbours", "allow_stored_encodings", "balanced", "gamma", "beta"),
            *("mu", "fixed_mu", "paper_discriminator", "time_limit"),
        )
    },
}
"""Settings that have a flag; the others follow from the preset and the table."""
NOT_GIVEN = ("epochs", "neighbours", "held_share", "time_limit")  # where nought


def known_of(table: Table, settings: Settings) -> dict[str, Any]:
    """Say what a run is made from, in a form that JSON can hold."""
    columns = table.schema.columns
    return {
        "settings": {**asdict(settings), "hidden": list(settings.hidden)},
        "data": table.digest,
        "rows": len(table.labels),
        "columns": {c.name: c.kind.name if c.kind else c.role for c in columns},
        "positive": table.schema.label.positive,
        "version": __version__,
        "torch": torch.__version__,
    }


def identity_of(known: Mapping[str, Any]) -> str:
    """Tell runs of other data, settings or versions apart."""
    text = json.dumps(known, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(stored: Any, given: Mapping[str, Any]) -> list[str]:
    """Name what differs between two runs, each with both values.

    Parameters
    ----------
    stored : object
        As `known_of`, read from a file and trusted in nothing.
    given : mapping
        As `known_of`.
    """
    if not (isinstance(stored, dict) and given):
        return []
    found = list(_of_settings(_part(stored, "settings"), given["settings"]))
    found += _of_columns(_part(stored, "columns"), given["columns"])
    for name, what in (
        ("positive", "--positive"),
        ("rows", "the number of rows"),
        ("version", "version of cbvae"),
        ("torch", "version of torch"),
    ):
        if name in stored and stored[name] != given[name]:
            found.append(_told(what, stored[name], given[name]))
    if not found and stored.get("data") != given["data"]:
        found.append("cells or labels of the table are others")
    return found


def _of_settings(old: dict[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    differing = [name for name in new if name in old and old[name] != new[name]]
    if "preset" in differing:  # most others follow from it
        yield _told("--preset", old["preset"], new["preset"])
        return
    for name in differing:
        if name in FLAGS:
            yield _told(FLAGS[name], _given(name, old[name]), _given(name, new[name]))


def _of_columns(old: dict[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if not old:
        return
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            before, now = (known.get(name, "not there") for known in (old, new))
            yield _told(f"column {shown(name)}", before, now)


def _given(name: str, value: Any) -> Any:
    """Say a setting as the command line has it."""
    if isinstance(value, bool):
        return "given" if value is not (name == "support") else "not given"
    return "not given" if name in NOT_GIVEN and not value else value


def _told(what: str, old: object, new: object) -> str:
    return f"{what} was {_value(old)}, now {_value(new)}"


def _value(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else shown(value)[1:-1]


def _part(stored: dict[str, Any], name: str) -> dict[str, Any]:
    part = stored.get(name)
    return part if isinstance(part, dict) else {}
