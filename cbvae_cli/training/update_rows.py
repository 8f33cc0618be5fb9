"""The rows that a bundle's class is trained from, and stand-ins for all others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.nearest import did_you_mean
from cbvae_cli.records import Columns
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.count import Count
from cbvae_cli.table.kind import NOVEL
from cbvae_cli.table.label import TEXT_STORAGE, Label, class_names, in_order
from cbvae_cli.table.moment import Moment
from cbvae_cli.table.number import Number, arrow_type
from cbvae_cli.table.scan import Tally
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.source import Source
from cbvae_cli.table.wording import HANDFUL, listed, shown
from cbvae_cli.training.classes import MOST_CLASSES, check_labels
from cbvae_cli.training.jobs import check_label
from cbvae_cli.training.read import Taken, digest_of
from cbvae_cli.training.thin import thinning_for

MOST_OUTSIDE = 0.1  # of a column's cells, before a warning
FEWEST_REPLAYED, MOST_REPLAYED = 200, 5_000  # rows of a class


@dataclass(frozen=True)
class Arrival:
    """A table to train one class of a bundle from.

    Attributes
    ----------
    name : str
        The class.
    known : bool
        Whether the bundle has it already.
    label : Label
        Of the bundle to be: rows of this class as in the table, of the others as
        they were.
    values : float64 array, shape (n_rows, n_columns)
        As the bundle reads them.
    labels : int array, shape (n_rows,)
        Places in `label`.
    digest : str
    warnings : list of str
    """

    name: str
    known: bool
    label: Label
    values: Floats
    labels: NDArray[np.int64]
    digest: str
    warnings: list[str]

    @property
    def place(self) -> int:
        """Place of the class."""
        return self.label.place(self.name)


def read_arrival(
    source: Source,
    schema: Schema,
    asked: str | None,
    *,
    drop_unlabelled: bool = False,
    max_memory: int | None = None,
) -> Arrival:
    """Read a table with the eyes of a bundle.

    Parameters
    ----------
    source : Source
        That can be read twice.
    schema : Schema
        Of the bundle.
    asked : str or None
        The class; without it the only one that the bundle lacks, or the only one.
    drop_unlabelled : bool
        Leave rows without a label out.
    max_memory : int or None
        Bytes that rows may take.

    Returns
    -------
    Arrival

    Raises
    ------
    UsageProblem
        If the class must be named.
    DataProblem
        If the table does not fit the bundle, or has no row of the class.
    """
    schema.check(source)
    check_label(source, schema.label.name)
    counts, warnings = _counted(source, schema.label.name, drop_unlabelled)
    name = _chosen(source, counts, schema.label.classes, asked)
    label = _with_class(schema.label, name, counts[name])
    reading = replace(
        label, counts=tuple(max(1, counts.get(each, 0)) for each in label.classes)
    )
    thinning = thinning_for(replace(schema, label=reading), max_memory)
    taken = Taken(replace(schema, label=reading), {})
    taken.take(source, lambda batch, places: thinning.keeps(batch.start, places))
    values, labels = taken.together()
    if taken.infinite:
        warnings.append(f"{taken.infinite} infinite cells are read as missing")
    if not thinning.whole:
        total = sum(counts.values())
        warnings.append(
            f"trained on {len(labels):,} of {total:,} rows, to stay within --max-memory"
        )
    own = values[labels == label.place(name)]
    warnings += _outside(schema, name, own)
    known = name in schema.label.classes
    digest = digest_of(values, labels, {})
    return Arrival(name, known, label, values, labels, digest, warnings)


def _counted(
    source: Source, column: str, drop_unlabelled: bool
) -> tuple[dict[str, int], list[str]]:
    """Count the rows of each class."""
    tally, unlabelled = Tally(MOST_CLASSES), 0
    for batch in source.batches():
        cells = batch.rows.column(source.names.index(column))
        missing = source.missing(cells)
        unlabelled += int(missing.sum())
        tally.add(class_names(cells, missing))
    columns = Columns(column, drop_unlabelled=drop_unlabelled)
    check_labels(source, columns, tally, unlabelled)
    names, counts = tally.most_common()
    warnings = [f"{unlabelled} rows without a label are left out"] * bool(unlabelled)
    return dict(zip(map(str, names), counts, strict=True)), warnings


def _chosen(
    source: Source,
    counts: dict[str, int],
    classes: Sequence[str],
    asked: str | None,
) -> str:
    """Choose the class, and refuse rows of others that the bundle does not know."""
    foreign = in_order([name for name in counts if name not in classes])
    if asked is None:
        candidates = foreign or in_order(list(counts))
        if len(candidates) > 1:
            raise UsageProblem(
                "the table does not say which class is to be trained",
                where=f"{source.name}: " + listed(candidates, HANDFUL),
                expected="--class with one of them",
            )
        [asked] = candidates
    if asked not in counts:
        raise DataProblem(
            f"the table has no row of class '{asked}'",
            where=source.name,
            expected="rows to train it from",
            hint=did_you_mean(asked, counts),
        )
    others = [name for name in foreign if name != asked]
    if others:
        raise DataProblem(
            "the table holds classes that the bundle does not know",
            where=f"{source.name}: " + listed(others, HANDFUL),
            expected=f"class '{asked}' and classes of the bundle",
            hint="leave their rows out, and add them one by one",
        )
    return asked


def _with_class(label: Label, name: str, count: int) -> Label:
    """Put a class among those of a label, or count its rows anew."""
    counts = dict(zip(label.classes, label.counts, strict=True)) | {name: count}
    classes = in_order(list(counts))
    return Label(
        label.name,
        tuple(classes),
        tuple(counts[each] for each in classes),
        label.storage if _holds(label.storage, name) else "string",
        label.positive,
    )


def _holds(storage: str, name: str) -> bool:
    """Tell whether a column of an Arrow type can hold a class name."""
    if storage in TEXT_STORAGE:
        return True
    if storage == "bool":
        return name in ("true", "false")
    try:
        pa.array([name]).cast(arrow_type(storage))
    except pa.ArrowInvalid:
        return False
    return True


def _outside(schema: Schema, name: str, values: Floats) -> list[str]:
    """Warn of columns whose cells the bundle's encoding cannot hold."""
    warnings = []
    for column, cells in zip(schema.modelled, values.T, strict=True):
        kind, seen = column.kind, cells[~np.isnan(cells)]
        if isinstance(kind, Number | Count | Moment):
            beyond = (seen < kind.low) | (seen > kind.high)
            what = "are beyond"
        else:
            beyond, what = seen == NOVEL, "are not among"
        if beyond.sum() > MOST_OUTSIDE * len(seen):
            warnings.append(
                f"{beyond.mean():.0%} of the cells of class {shown(name)} in column "
                f"{shown(column.name)} {what} the values that the bundle was trained "
                "on: it cannot tell them apart, nor make such cells"
            )
    return warnings


def replay(
    model: Model, places: Sequence[int], like: Floats, seed: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Draw rows of classes whose own rows are not at hand.

    Cells are missing in them as in real rows picked at random: what is missing must
    not tell drawn rows from real ones.

    Parameters
    ----------
    model : Model
    places : sequence of int
        Classes of the model.
    like : float64 array, shape (n_real, n_columns)
        NaN where missing.
    seed : int

    Returns
    -------
    values : float64 array, shape (n_rows, n_columns)
    labels : int array, shape (n_rows,)
        Places in the model.
    """
    layout = model.layout
    values, labels = [np.empty((0, like.shape[1]))], [np.empty(0, dtype=np.int64)]
    for place in places:
        rng = np.random.default_rng([seed, 6, place])
        count = model.schema.label.counts[place]
        count = int(np.clip(count, FEWEST_REPLAYED, MOST_REPLAYED))
        drawn = model.family.sample(place, count, rng)
        cells = layout.settle(layout.expected(drawn, np.zeros_like(drawn)))
        cells[np.isnan(like[rng.integers(len(like), size=count)])] = np.nan
        values.append(cells)
        labels.append(np.full(count, place))
    return np.concatenate(values), np.concatenate(labels)
