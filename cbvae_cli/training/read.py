"""Reading the training table: one pass to know its columns, one to take its cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.records import Columns
from cbvae_cli.table.cells import Bools, Floats
from cbvae_cli.table.digest import Digest
from cbvae_cli.table.infer import infer
from cbvae_cli.table.kind import FitScale
from cbvae_cli.table.label import Label, class_names, in_order
from cbvae_cli.table.scan import ColumnScan, Tally
from cbvae_cli.table.schema import Column, Schema
from cbvae_cli.table.source import Batch, Source
from cbvae_cli.table.wording import advice, listed, size
from cbvae_cli.training.classes import MOST_CLASSES, check_labels
from cbvae_cli.training.jobs import check_names, check_numeric, roles_aside
from cbvae_cli.training.steering import Reader, Rows, check_weights, readers
from cbvae_cli.training.thin import Thinning
from cbvae_cli.training.ties import find_ties

WHOLE = re.compile(r"-?[0-9]{1,18}")  # of an int64


@dataclass
class Table:
    """The training table as numbers.

    Attributes
    ----------
    schema : Schema
        Kinds fitted.
    values : float64 array, shape (n_rows, n_modelled)
        NaN where missing.
    labels : int array, shape (n_rows,)
        Place of each row's class.
    digest : str
        sha256 over values and labels, and over the arrays below that are there.
    warnings : list of str
    groups : int array, shape (n_rows,), or None
        Rows of one code belong together.
    times : float64 array, shape (n_rows,), or None
        Numbers, or seconds since the epoch; none is missing.
    weights : float64 array, shape (n_rows,), or None
        Finite, 0 or more, in each class above 0 somewhere.
    validation : bool array, shape (n_rows,), or None
        Rows of a table of their own that only calibrate, behind all others. No
        kind was fitted on them, so they may hold `NOVEL`.
    validation_share : float or None
        The share of rows that shall calibrate, between 0 and 1.
    """

    schema: Schema
    values: Floats
    labels: NDArray[np.int64]
    digest: str
    warnings: list[str]
    groups: NDArray[np.int64] | None = None
    times: Floats | None = None
    weights: Floats | None = None
    validation: Bools | None = None
    validation_share: float | None = None


def find_schema(source: Source, columns: Columns) -> tuple[Schema, list[str]]:
    """Pass over a table once and decide what its columns are.

    Returns
    -------
    schema : Schema
        With kinds still to be fitted.
    warnings : list of str
        One sentence each.
    """
    check_names(source, columns)
    aside = roles_aside(columns)
    names = [n for n in source.names if n != columns.label and n not in aside]
    typed = not source.text
    scans = {n: ColumnScan(n, source.schema.field(n).type, typed) for n in names}
    classes, unlabelled = Tally(MOST_CLASSES), 0
    for batch in source.batches():
        at = source.names.index(columns.label)
        cells = batch.rows.column(at)
        missing = source.missing(cells)
        unlabelled += int(missing.sum())
        classes.add(class_names(cells, missing))
        kept = ~missing
        for name, scan in scans.items():
            cells = batch.rows.column(source.names.index(name))
            strict = source.missing(cells) & kept
            scan.see(cells, strict | ~kept, source.missing(cells, lenient=True) | ~kept)
    check_labels(source, columns, classes, unlabelled)
    overrides = dict.fromkeys(columns.categorical, "categorical")
    overrides |= dict.fromkeys(columns.numeric, "numeric")
    findings = {n: infer(scan, overrides.get(n)) for n, scan in scans.items()}
    for name in columns.numeric:
        check_numeric(scans[name], source)
    found = tuple(
        findings[name].column
        if name in findings
        else Column(name, aside[name], None, _storage(source, name))
        for name in source.names
        if name != columns.label
    )
    label = _label(source, columns, classes)
    warnings = [f.warning for f in findings.values() if f.warning]
    if unlabelled:
        warnings.append(f"{unlabelled} rows without a label are left out")
    schema = Schema(found, label, source.names.index(columns.label))
    if not schema.modelled:
        raise DataProblem(
            "no column is left to learn from",
            where=f"{source.name}: "
            + listed([f"{c.name} ({c.role})" for c in found], most=5),
            expected="a column, besides the label, that holds two values or more",
            hint=next(iter(warnings), ""),
        )
    return schema, warnings


def _label(source: Source, columns: Columns, classes: Tally) -> Label:
    counted = dict(zip(*classes.most_common(), strict=True))
    ordered = in_order([str(name) for name in counted])
    if columns.positive is not None and columns.positive not in counted:
        raise UsageProblem(
            f"--positive names a class '{columns.positive}' that column "
            f"'{columns.label}' does not have",
            where=source.name,
            **advice(columns.positive, ordered),
        )
    label = Label(
        columns.label,
        tuple(ordered),
        tuple(counted[name] for name in ordered),
        _label_storage(source, columns.label, ordered),
    )
    if columns.positive is None:
        return label
    return replace(label, positive=columns.positive)


def _label_storage(source: Source, name: str, classes: list[str]) -> str:
    if not source.text:
        return _storage(source, name)
    whole = all(WHOLE.fullmatch(c) and str(int(c)) == c for c in classes)
    return "int64" if whole else "string"


def _storage(source: Source, name: str) -> str:
    """Give the Arrow type of a column's values."""
    import pyarrow as pa

    kind = source.schema.field(name).type
    return str(kind.value_type if pa.types.is_dictionary(kind) else kind)


def read_table(
    source: Source,
    schema: Schema,
    fit_scale: FitScale,
    thinning: Thinning,
    validation: Source | float | None = None,
) -> Table:
    """Pass over a table again, take its cells and fit the column kinds.

    Parameters
    ----------
    source : Source
    schema : Schema
        From `find_schema`.
    fit_scale : callable
        Fits the map of a numeric column.
    thinning : Thinning
        Rows to keep.
    validation : Source, float or None
        A table that only calibrates, checked by `check_validation`, or the share
        of this table's rows that shall.

    Returns
    -------
    Table
    """
    taken = Taken(schema, readers(schema, source))
    taken.take(source, lambda batch, places: thinning.keeps(batch.start, places))
    n_training, warnings = taken.n_rows, []
    if isinstance(validation, Source):
        taken.take(validation, lambda batch, places: places >= 0)
    values, places = taken.together()
    arrays: dict[str, Any] = {
        f"{role}s": reader.finish() for role, reader in taken.steering.items()
    }
    if isinstance(validation, Source):
        arrays["validation"] = np.arange(len(places)) >= n_training
    if "weights" in arrays:
        weights = arrays["weights"][:n_training]
        check_weights(weights, places[:n_training], schema, source.name)
    if taken.infinite:
        warnings.append(f"{taken.infinite} infinite cells are read as missing")
    if not thinning.whole:
        total = sum(schema.label.counts)
        warnings.append(
            f"trained on {n_training:,} of {total:,} rows, to stay within "
            f"--max-memory {size(thinning.memory)}"
        )
    fitted = fit_kinds(schema, values[:n_training], fit_scale)
    fitted = replace(fitted, ties=find_ties(fitted, values[:n_training]))
    share = validation if isinstance(validation, float) else None
    return Table(
        fitted,
        values,
        places,
        digest_of(values, places, arrays),
        warnings,
        **arrays,
        validation_share=share,
    )


def digest_of(
    values: Floats, places: NDArray[np.int64], arrays: Mapping[str, NDArray[Any]]
) -> str:
    """Give the sha256 of a table's cells, labels and further arrays."""
    digest = Digest()
    digest.add(values, places)
    return digest.finish(arrays)


class Taken:
    """Rows taken so far, of one table or of several."""

    def __init__(self, schema: Schema, steering: dict[str, Reader]) -> None:
        self.schema = schema
        self.steering = steering
        self.infinite = 0
        self.n_rows = 0
        self._values: list[Floats] = []
        self._places: list[NDArray[np.int64]] = []

    def take(
        self, source: Source, keeps: Callable[[Batch, NDArray[np.int64]], Bools]
    ) -> None:
        """Take the labelled rows that `keeps` chooses."""
        for batch in source.batches():
            places = self.schema.labels(source, batch)
            cells, infinite = self.schema.values(source, batch)
            self.infinite += infinite
            labelled = places >= 0
            kept = labelled & keeps(batch, places)
            rows = Rows(source, batch, labelled, kept)
            for reader in self.steering.values():
                reader.take(rows)
            self._values.append(cells[kept])
            self._places.append(places[kept])
            self.n_rows += int(kept.sum())

    def together(self) -> tuple[Floats, NDArray[np.int64]]:
        """Give values, shape (n_rows, n_modelled), and places of classes."""
        values = np.asfortranarray(np.concatenate(self._values))
        return values, np.concatenate(self._places)


def fit_kinds(schema: Schema, values: Floats, fit_scale: FitScale) -> Schema:
    """Fit the kind of every modelled column on values, shape (n_rows, n_modelled)."""
    at = iter(range(values.shape[1]))
    columns = []
    for column in schema.columns:
        if column.kind is None:
            columns.append(column)
            continue
        cells = values[:, next(at)]
        kind = column.kind.fit(cells[~np.isnan(cells)], fit_scale)
        columns.append(replace(column, kind=kind))
    return replace(schema, columns=tuple(columns))
