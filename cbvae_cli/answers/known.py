"""Labelled rows held in memory, as a bundle reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.errors import DataProblem
from cbvae_cli.peers.features import Features, features_of
from cbvae_cli.table.cells import Floats, spelt
from cbvae_cli.table.kind import NOVEL
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.source import Source
from cbvae_cli.table.wording import choice, shown


@dataclass(frozen=True)
class Known:
    """Rows of the bundle's classes.

    Attributes
    ----------
    name : str
        Of the table.
    schema : Schema
    values : float64 array, shape (n_rows, n_modelled)
        NaN where missing, `NOVEL` for a category that training never saw.
    labels : int array, shape (n_rows,)
    warnings : tuple of str
        What was left out or read otherwise.
    """

    name: str
    schema: Schema
    values: Floats
    labels: NDArray[np.int64]
    warnings: tuple[str, ...] = ()

    @property
    def counts(self) -> NDArray[np.int64]:
        """Count the rows of each class, shape (n_classes,)."""
        return np.bincount(self.labels, minlength=len(self.schema.label.classes))

    @property
    def features(self) -> Features:
        """Rows as other libraries take them."""
        return features_of(self.schema, self.values)

    def of_class(self, place: int) -> Floats:
        """Give the rows of a class; refuses a class that has none."""
        found: Floats = self.values[self.labels == place]
        if not len(found):
            raise DataProblem(
                f"the table has no row of class '{self.schema.label.classes[place]}'",
                where=self.name,
            )
        return found

    def take(self, rows: NDArray[np.int64]) -> Known:
        """Give some of the rows."""
        return Known(self.name, self.schema, self.values[rows], self.labels[rows])


def read_known(model: Model, source: Source) -> Known:
    """Read all rows that have a label and a seen cell.

    Raises
    ------
    DataProblem
        If columns are missing, a label names a class that the bundle does not know,
        or no row is left.
    """
    schema = model.schema
    schema.check(source)
    if schema.label.name not in source.names:
        raise DataProblem(
            f"the table has no label column '{schema.label.name}'",
            where=source.name,
            expected="the columns of the training table, label included",
        )
    values, labels = _read(schema, source)
    unlabelled = labels < 0
    blank = np.isnan(values).all(axis=1) & ~unlabelled
    kept = ~(unlabelled | blank)
    if not kept.any():
        raise DataProblem(
            "no row has both a label and a cell that holds a value", where=source.name
        )
    found, warnings = values[kept], []
    for count, what in (
        (unlabelled.sum(), "rows without a label are left out"),
        (blank.sum(), "rows without any value are left out"),
        (_novel(schema, found), "cells hold a category that training never saw"),
    ):
        if count:
            warnings.append(f"{source.name}: {count:,} {what}")
    return Known(source.name, schema, found, labels[kept], tuple(warnings))


def _read(schema: Schema, source: Source) -> tuple[Floats, NDArray[np.int64]]:
    values, labels = [], []
    for batch in source.batches():
        places, foreign = schema.label_places(source, batch)
        if foreign.any():
            row = int(np.argmax(foreign))
            cells = batch.rows.column(source.names.index(schema.label.name))
            raise DataProblem(
                f"label column '{schema.label.name}' names a class that is not in "
                "the bundle",
                where=f"{source.where(batch, row)}: {shown(spelt(cells, row))}",
                expected=choice(schema.label.classes),
                hint="take such rows out, or train a bundle that knows the class",
            )
        values.append(schema.values(source, batch)[0])
        labels.append(places)
    return np.concatenate(values), np.concatenate(labels)


def _novel(schema: Schema, values: Floats) -> int:
    codes = [kind.codes for kind in schema.kinds]
    return int((values[:, np.array(codes, dtype=bool)] == NOVEL).sum())
