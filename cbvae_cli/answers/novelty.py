"""Cells with values that training never saw, counted by column and shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cbvae_cli.answers.model import Model
from cbvae_cli.table.cells import Bools, Floats, spelt
from cbvae_cli.table.source import Batch, Source


@dataclass
class Novelty:
    """Counts such cells, batch by batch, and keeps the first one of a column.

    None is found in a column that had rare categories: a new one counts as such.

    Attributes
    ----------
    model : Model
    source : Source
    found : dict of str
        By column `cells`, and `first` as text.
    """

    model: Model
    source: Source
    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, batch: Batch, values: Floats) -> None:
        """Take in a batch and its values, shape (n_rows, n_columns)."""
        novel = self.model.layout.novel(values)
        for place in np.flatnonzero(novel.any(axis=0)):
            name = self.model.schema.modelled[place].name
            known = self.found.setdefault(
                name, {"cells": 0, "first": self._text(batch, novel[:, place], name)}
            )
            known["cells"] += int(novel[:, place].sum())

    def _text(self, batch: Batch, novel: Bools, name: str) -> str:
        cells = batch.rows.column(self.source.names.index(name))
        return spelt(cells, int(np.argmax(novel)))
