"""Reading the training table: one pass to know its columns, one to take its cells."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.records import Columns
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.infer import infer
from cbvae_cli.table.kind import FitScale
from cbvae_cli.table.label import Label, class_names, in_order
from cbvae_cli.table.scan import ColumnScan, Tally
from cbvae_cli.table.schema import Column, Schema
from cbvae_cli.table.source import Source
from cbvae_cli.table.wording import listed
from cbvae_cli.training.thin import Thinning

MOST_CLASSES = 1000


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
        sha256 over values and labels.
    warnings : list of str
    """

    schema: Schema
    values: Floats
    labels: NDArray[np.int64]
    digest: str
    warnings: list[str]


def find_schema(source: Source, columns: Columns) -> tuple[Schema, list[str]]:
    """Pass over a table once and decide what its columns are.

    Returns
    -------
    schema : Schema
        With kinds still to be fitted.
    warnings : list of str
        One sentence each.
    """
    _check_names(source, columns)
    names = [n for n in source.names if n not in (columns.label, *columns.exclude)]
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
    _check_labels(source, columns, classes, unlabelled)
    overrides = dict.fromkeys(columns.categorical, "categorical")
    overrides |= dict.fromkeys(columns.numeric, "numeric")
    findings = {n: infer(scan, overrides.get(n)) for n, scan in scans.items()}
    for name in columns.numeric:
        _check_numeric(scans[name], source)
    found = tuple(
        findings[name].column
        if name in findings
        else Column(name, "excluded", None, str(source.schema.field(name).type))
        for name in source.names
        if name != columns.label
    )
    counted = dict(zip(*classes.most_common(), strict=True))
    ordered = in_order([str(name) for name in counted])
    label = Label(
        columns.label,
        tuple(ordered),
        tuple(counted[name] for name in ordered),
        _label_storage(source, columns.label, ordered),
    )
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
        )
    return schema, warnings


def _check_names(source: Source, columns: Columns) -> None:
    if columns.label not in source.names:
        raise DataProblem(
            f"there is no label column '{columns.label}'",
            where=source.name,
            expected="one of " + ", ".join(f"'{n}'" for n in source.names[:20]),
            hint="name the column with --label",
        )
    flags = (("--exclude", columns.exclude), ("--categorical", columns.categorical))
    for flag, names in (*flags, ("--numeric", columns.numeric)):
        for name in names:
            if name not in source.names:
                raise UsageProblem(
                    f"{flag} names a column '{name}' that the table does not have",
                    where=source.name,
                    expected="one of " + ", ".join(f"'{n}'" for n in source.names[:20]),
                )
            if name == columns.label:
                raise UsageProblem(f"{flag} names the label column '{name}'")


def _check_labels(
    source: Source, columns: Columns, classes: Tally, unlabelled: int
) -> None:
    if unlabelled and not columns.drop_unlabelled:
        raise DataProblem(
            f"{unlabelled} rows have no label in column '{columns.label}'",
            where=source.name,
            expected="a class in every row of a training table",
            hint="add --drop-unlabelled to train without those rows",
        )
    names, _ = classes.most_common()
    if not names:
        raise DataProblem(
            f"no row has a label in column '{columns.label}'", where=source.name
        )
    if not classes.complete:
        raise DataProblem(
            f"label column '{columns.label}' holds more than {MOST_CLASSES} classes",
            where=source.name,
            expected="a column that names classes, not rows",
        )


def _check_numeric(scan: ColumnScan, source: Source) -> None:
    if scan.first_misfit is not None:
        row, value = scan.first_misfit
        raise DataProblem(
            f"--numeric column '{scan.name}' holds text",
            where=f"{source.name}, data row {row + 1}: {value[:60]!r}",
            expected="a number or a missing cell",
            hint="write decimals with a point"
            if "," in value
            else f"add --null {value[:60]!r} to read that word as a missing cell",
        )


def _label_storage(source: Source, name: str, classes: list[str]) -> str:
    kind = source.schema.field(name).type
    if not source.text:
        import pyarrow as pa

        return str(kind.value_type if pa.types.is_dictionary(kind) else kind)
    whole = all(c.lstrip("-").isdigit() and str(int(c)) == c for c in classes)
    return "int64" if whole else "string"


def read_table(
    source: Source,
    schema: Schema,
    fit_scale: FitScale,
    thinning: Thinning,
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

    Returns
    -------
    Table
    """
    values, labels, infinite = [], [], 0
    for batch in source.batches():
        places = schema.labels(source, batch)
        cells, found = schema.values(source, batch)
        infinite += found
        kept = (places >= 0) & thinning.keeps(batch.start, places)
        values.append(cells[kept])
        labels.append(places[kept])
    together = np.asfortranarray(np.concatenate(values))
    places = np.concatenate(labels)
    warnings = []
    if infinite:
        warnings.append(f"{infinite} infinite cells are read as missing")
    if not thinning.whole:
        total = sum(schema.label.counts)
        warnings.append(
            f"trained on {len(places):,} of {total:,} rows, to stay within --max-memory"
        )
    fitted = _fit_kinds(schema, together, fit_scale)
    digest = hashlib.sha256(np.ascontiguousarray(together).data)
    digest.update(places.data)
    return Table(fitted, together, places, digest.hexdigest(), warnings)


def _fit_kinds(schema: Schema, values: Floats, fit_scale: FitScale) -> Schema:
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
