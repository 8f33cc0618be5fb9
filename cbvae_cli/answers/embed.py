"""Where rows lie in the latent space, and what lies a step away from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from cbvae_cli.answers.frame import Added
from cbvae_cli.answers.model import BLEND, Model
from cbvae_cli.answers.rendering import value_columns, value_types
from cbvae_cli.answers.shift import Shift, find_shift
from cbvae_cli.evidence import CHUNK, embed_rows, take
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.table.source import Batch, Source

Places = NDArray[np.int64]

FIRST = 0  # the member whose space it is
SHIFTED = "shifted_"


class Embed:
    """Gives latent coordinates by the first member of each row's class.

    Parameters
    ----------
    model : Model
    source : Source
    shift : str or None
        See `find_shift`; adds what rows decode to behind the step.
    prefix : str
    only : bool
    """

    def __init__(
        self,
        model: Model,
        source: Source,
        *,
        shift: str | None,
        prefix: str,
        only: bool,
    ) -> None:
        model.schema.check(source)
        self.model = model
        self.source = source
        self.alone = model.family.member(FIRST)
        self.shift = None if shift is None else find_shift(model, shift)
        self.axes = [f"z{axis}" for axis in range(self.alone.nets.latent)]
        types = dict.fromkeys(self.axes, pa.float64()) | {"class": pa.string()}
        if self.shift is not None:
            types |= value_types(model.schema, source, SHIFTED)
        self.added = Added(source, prefix, only, types)
        self.added.check()
        self.rows = self.infinite = self.told = self.foreign = self.unmoved = 0
        self.held = self.held_arrived = self.arrived = 0

    def schema(self) -> pa.Schema:
        """Columns of the answer."""
        return self.added.schema()

    def answer(self, batch: Batch) -> pa.RecordBatch:
        """Embed the rows of a batch."""
        schema = self.model.schema
        values, infinite = schema.values(self.source, batch)
        self.rows += len(values)
        self.infinite += infinite
        encoded = self.model.layout.encode(values)
        places = self._places(batch, values)
        at, towards = self._located(encoded, places)
        axes = (pa.array(axis, from_pandas=True) for axis in at.T)
        columns = dict(zip(self.axes, axes, strict=True))
        self.unmoved += int(np.isnan(at).any(axis=1).sum())
        columns["class"] = schema.label.render(towards, text=True)
        if self.shift is not None:
            decoded = self._decoded(at, towards)
            self._count(self.shift, values, places, decoded)
            columns |= value_columns(schema, self.source, SHIFTED, decoded)
        return self.added.join(batch, columns)

    def _places(self, batch: Batch, values: Floats) -> Places:
        """Give each row's class: as labelled, else the likeliest."""
        label = self.model.schema.label
        places = np.full(len(values), -1)
        if label.name in self.source.names:
            places, foreign = self.model.schema.label_places(self.source, batch)
            self.foreign += int(foreign.sum())
        self.told += int((places >= 0).sum())
        unknown = np.flatnonzero(places < 0)
        if len(unknown):
            places = places.copy()
            places[unknown] = likeliest(self.model, values[unknown])
        return places

    def _located(self, encoded: Encoded, places: Places) -> tuple[Floats, Places]:
        """Give coordinates, and the class that decodes them.

        NaN where a step is not known for the row's class.
        """
        at = np.empty((len(places), self.alone.nets.latent))
        towards, shift = places, self.shift
        if shift is not None and shift.target is not None:
            towards = np.full(len(places), shift.target)
        # Where classes have spaces of their own, a step must begin where it ends.
        whose = places if self.alone.shares_latent else towards
        for place in np.unique(whose):
            own = np.flatnonzero(whose == place)
            at[own] = embed_rows(self.alone, take(encoded, own), int(place))
            if shift is not None:
                at[own] += shift.by[0 if self.alone.shares_latent else place]
        return at, towards

    def _count(
        self, shift: Shift, values: Floats, places: Places, decoded: Floats
    ) -> None:
        """Count rows that are where the step begins, and those that it brings on."""
        moved = np.flatnonzero(~np.isnan(decoded).all(axis=1))
        held = shift.start.held(values, places)
        arrived = np.zeros(len(held), dtype=np.bool_)
        if len(moved):
            there = decoded[moved]
            arrived[moved] = shift.end.held(there, likeliest(self.model, there))
        self.held += int(held.sum())
        self.held_arrived += int((held & arrived).sum())
        self.arrived += int(arrived.sum())

    def _decoded(self, at: Floats, places: Places) -> Floats:
        """Give the values expected at latent points, shape (n_rows, n_columns)."""
        layout = self.model.layout
        decoded = np.full((len(at), len(layout.kinds)), np.nan)
        known = ~np.isnan(at).any(axis=1)
        for place in np.unique(places[known]):
            own = np.flatnonzero(known & (places == place))
            for start in range(0, len(own), CHUNK):
                some = own[start : start + CHUNK]
                z = np.zeros((CHUNK, at.shape[1]), dtype=np.float32)
                z[: len(some)] = at[some]
                belief = self.alone.expect_at(torch.from_numpy(z), int(place))
                cells = layout.expected(belief.mean, belief.deviation)
                decoded[some] = layout.settle(cells)[: len(some)]
        return decoded

    def summary(self) -> dict[str, Any]:
        """Count rows, and those whose class was told."""
        return {
            "rows": self.rows,
            "latent": len(self.axes),
            "labelled": self.told,
            "unknown": self.foreign,
            "shared_space": self.alone.shares_latent,
            "shift": None if self.shift is None else self.shift.said,
            "unmoved": self.unmoved,
            "arrival": self._arrival(),
            "infinite": self.infinite,
        }

    def _arrival(self) -> dict[str, Any] | None:
        """Say how many rows hold what the step begins with, and where it brings them.

        A class has arrived where it is the likeliest one for what is expected there.
        """
        if self.shift is None:
            return None
        place = self.shift.end.column
        return {
            "column": None if place is None else self.model.schema.modelled[place].name,
            "from": self.shift.start.said,
            "to": self.shift.end.said,
            "rows": self.held,
            "rows_arrived": self.held_arrived,
            "all_arrived": self.arrived,
        }


def likeliest(model: Model, values: Floats) -> Places:
    """Give the place of each row's likeliest class."""
    if len(model.classes) == 1:
        return np.zeros(len(values), dtype=np.int64)
    found: Places = model.log_probabilities(values, BLEND).argmax(axis=1)
    return found
