"""Synthetic rows of a class that look as its training rows do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.evidence import encode_rows
from cbvae_cli.families.contract import Family
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.number import arrow_type
from cbvae_cli.table.source import Source

BLOCK = 4096  # rows drawn from one random stream, keyed by seed, class and block
METHODS = ("prior", "posterior", "interpolate")


@dataclass(frozen=True)
class Encodings:
    """Posteriors of real rows of one class; they never enter a bundle.

    Attributes
    ----------
    mean, deviation : float64 array, shape (n_rows, latent)
    """

    mean: Floats
    deviation: Floats


class Method(Protocol):
    """A way of drawing encoded rows of a class."""

    def __call__(
        self, family: Family, place: int, n_rows: int, rng: np.random.Generator
    ) -> NDArray[Any]:
        """Draw encoded rows, shape (n_rows, width)."""


def from_prior(
    family: Family, place: int, n_rows: int, rng: np.random.Generator
) -> NDArray[Any]:
    """Sample the aggregate posterior of the class."""
    return family.sample(place, n_rows, rng)


@dataclass(frozen=True)
class FromPosterior:
    """Samples the posterior of real rows: jittered copies, noise of cells included."""

    rows: Encodings

    def __call__(
        self, family: Family, place: int, n_rows: int, rng: np.random.Generator
    ) -> NDArray[Any]:
        """Draw encoded rows near real ones."""
        picked = rng.integers(len(self.rows.mean), size=n_rows)
        noise = rng.standard_normal((n_rows, self.rows.mean.shape[1]))
        z = self.rows.mean[picked] + self.rows.deviation[picked] * noise
        return family.draw_from(torch.from_numpy(z).float(), place, rng)


@dataclass(frozen=True)
class Between:
    """Decodes points on the line between two real rows of the class."""

    rows: Encodings

    def __call__(
        self, family: Family, place: int, n_rows: int, rng: np.random.Generator
    ) -> NDArray[Any]:
        """Draw encoded rows between real ones."""
        one, other = rng.integers(len(self.rows.mean), size=(2, n_rows))
        share = rng.random((n_rows, 1))
        z = (1 - share) * self.rows.mean[one] + share * self.rows.mean[other]
        return family.draw_from(torch.from_numpy(z).float(), place, rng)


def method_for(name: str, model: Model, place: int, source: Source | None) -> Method:
    """Make a method of drawing, with the real rows it needs.

    Parameters
    ----------
    name : str
        Out of `METHODS`.
    model : Model
    place : int
        The class.
    source : Source or None
        Rows of the training table; needed by `posterior` and `interpolate`.
    """
    if name == "prior":
        return from_prior
    if source is None:
        raise UsageProblem(
            f"--method {name} starts from real rows",
            expected="--data with the training table",
            hint="add --data TABLE, or use --method prior",
        )
    rows = _encodings(model, place, source)
    return FromPosterior(rows) if name == "posterior" else Between(rows)


def _encodings(model: Model, place: int, source: Source) -> Encodings:
    model.schema.check(source)
    if model.schema.label.name not in source.names:
        raise DataProblem(
            f"the table has no label column '{model.schema.label.name}'",
            where=source.name,
            expected="the training table, label included",
        )
    means, deviations = [], []
    for batch in source.batches():
        rows = model.schema.labels(source, batch) == place
        if rows.any():
            values, _ = model.schema.values(source, batch)
            encoded = model.layout.encode(values[rows])
            mean, deviation = encode_rows(model.family, encoded, place)
            means.append(mean)
            deviations.append(deviation)
    if not means:
        raise DataProblem(
            f"the table has no row of class '{model.classes[place]}'",
            where=source.name,
        )
    return Encodings(np.concatenate(means), np.concatenate(deviations))


class Augment:
    """Draws rows of a class in batches.

    Parameters
    ----------
    model : Model
    place : int
        The class.
    n_rows : int
    method : Method
    seed : int
    text : bool
        Whether cells are written as text (CSV) or in the columns' Arrow types.
    """

    def __init__(
        self,
        model: Model,
        place: int,
        n_rows: int,
        method: Method,
        *,
        seed: int,
        text: bool,
    ) -> None:
        if n_rows < 1:
            raise UsageProblem(
                f"cannot make {n_rows} rows", expected="-n with 1 or more"
            )
        self.model = model
        self.place = place
        self.n_rows = n_rows
        self.method = method
        self.seed = seed
        self.text = text

    def schema(self) -> pa.Schema:
        """Columns of training, label included, in their order."""
        schema = self.model.schema
        fields = [
            pa.field(column.name, self._type(column.storage))
            for column in schema.columns
            if not column.left_out
        ]
        label = pa.field(schema.label.name, self._type(schema.label.storage))
        fields.insert(self._label_at(), label)
        return pa.schema(fields)

    def _type(self, storage: str) -> pa.DataType:
        return pa.string() if self.text else arrow_type(storage)

    def _label_at(self) -> int:
        before = self.model.schema.columns[: self.model.schema.label_at]
        return sum(not column.left_out for column in before)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Draw the rows; the first n of a longer run are the same rows."""
        for block, start in enumerate(range(0, self.n_rows, BLOCK)):
            rng = np.random.default_rng([self.seed, self.place, block])
            drawn = self.method(self.model.family, self.place, BLOCK, rng)
            yield self._render(drawn[: self.n_rows - start])

    def _render(self, drawn: NDArray[Any]) -> pa.RecordBatch:
        schema, layout = self.model.schema, self.model.layout
        expected = layout.expected(drawn, np.zeros_like(drawn))
        values = iter(layout.settle(expected).T)
        arrays = []
        for column in schema.columns:
            if column.left_out:
                continue
            if column.kind is not None:
                cells = column.kind.render(next(values), text=self.text)
            elif column.role == "constant":
                cells = pa.array([column.value] * len(drawn))
            else:
                cells = pa.nulls(len(drawn))
            arrays.append(cells.cast(self._type(column.storage), safe=False))
        places = np.full(len(drawn), self.place)
        label = schema.label.render(places, text=self.text)
        arrays.insert(self._label_at(), label.cast(self._type(schema.label.storage)))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema())

    def summary(self) -> dict[str, Any]:
        """Say what was made."""
        return {"class": self.model.classes[self.place], "rows": self.n_rows}
