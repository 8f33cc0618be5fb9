"""What tells one run from another, so that none goes on with another's work."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

import torch

from cbvae_cli import __version__
from cbvae_cli.records import Settings
from cbvae_cli.training.read import Table


def identity_of(table: Table, settings: Settings) -> str:
    """Tell runs of other data, settings or versions apart."""
    known: dict[str, Any] = {
        "settings": asdict(settings),
        "data": table.digest,
        "columns": [column.name for column in table.schema.columns],
        "positive": table.schema.label.positive,
        "version": __version__,
        "torch": torch.__version__,
    }
    text = json.dumps(known, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
