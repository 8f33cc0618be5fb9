"""Whether the label column names classes, and which of them are too small."""

from __future__ import annotations

from collections.abc import Iterable

from cbvae_cli.errors import DataProblem
from cbvae_cli.records import Columns
from cbvae_cli.table.scan import Tally
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.source import Source
from cbvae_cli.training.parts import LEAST_ROWS

MOST_CLASSES = 1000
MOST_FRACTIONS = 20  # numbers like 0.5 that a table may use for classes


def check_labels(
    source: Source, columns: Columns, classes: Tally, unlabelled: int
) -> None:
    """Refuse labels that are missing, are too many, or are no classes.

    Parameters
    ----------
    source : Source
    columns : Columns
    classes : Tally
        Of the labels' texts, at most `MOST_CLASSES`.
    unlabelled : int
        Rows without a label.

    Raises
    ------
    DataProblem
    """
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
    if len(names) > MOST_FRACTIONS and _quantities(str(name) for name in names):
        raise DataProblem(
            f"label column '{columns.label}' holds {len(names)} numbers, not all whole",
            where=source.name,
            expected="a column that names classes, not one that measures",
            hint="name another column with --label, or cut this one into classes first",
        )


def _quantities(names: Iterable[str]) -> bool:
    try:
        numbers = [float(name) for name in names]
    except ValueError:
        return False
    return not all(number.is_integer() for number in numbers)


def tiny_classes(schema: Schema) -> list[str]:
    """Warn of each class that has no rows to spare for a judgement."""
    label = schema.label
    return [
        f"class '{name}' has {count} row{'s' if count > 1 else ''}: all train, so "
        "nothing is known of how well it does, and it is left out of p-values"
        for name, count in zip(label.classes, label.counts, strict=True)
        if count < LEAST_ROWS
    ]
