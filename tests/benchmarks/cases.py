"""One table, one seed, one way of losing cells: rows to train on and rows to test."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from catalogue import (
    TABLES,
    Public,
    blanked,
    drawn,
    halves,
    labels_of,
    read,
    test_rows,
    write,
)
from numpy.typing import NDArray
from scipy.stats import rankdata

from cbvae_cli.peers.features import Features, features_of
from cbvae_cli.records import Columns
from cbvae_cli.table.scale import fit_standard
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("CBVAE_BENCH_DATA", ROOT.parent / "shared" / "data"))
MOST_ROWS = 20_000
MAR = "mar"  # missing at random, given another column
MAR_SHARE = 0.3
FEW_VALUES = 10  # a column of fewer has no order worth following


@dataclass(frozen=True)
class Digits(Public):
    """Two digits of MNIST, made unequal.

    Attributes
    ----------
    counts : mapping of str to int
        Rows of each digit.
    """

    counts: Mapping[str, int] = field(default_factory=dict)


def _digits(majority: str, minority: str, few: int) -> Digits:
    first, second = sorted((majority, minority))
    counts = {majority: 5000, minority: few}
    name = f"mnist-{first}v{second}"
    return Digits(name, "mnist-train.parquet", "label", (minority,), counts=counts)


DIGITS = {
    digits.name: digits for digits in (_digits("0", "6", 100), _digits("6", "5", 1000))
}
# Every class of these tables is sought or not sought; all of MNIST has no minority.
CASES = {name: public for name, public in TABLES.items() if public.minority} | DIGITS


@dataclass(frozen=True)
class Case:
    """What is compared on.

    Attributes
    ----------
    table : str
        Key in `CASES`.
    seed : int
        Of the draw, the split and the blanks.
    missing : str
        Share of cells that are blanked, as text, or `MAR`.
    most : int
        Rows.
    """

    table: str
    seed: int
    missing: str
    most: int = MOST_ROWS

    @property
    def public(self) -> Public:
        """The table's entry."""
        return CASES[self.table]

    def halves(self) -> tuple[pa.Table, pa.Table]:
        """Give train and test rows, cells blanked in both."""
        public = self.public
        if isinstance(public, Digits):
            train, test = _digit_halves(public, self.seed)
        else:
            train, test = halves(public, DATA, self.most, self.seed)
        if self.missing == "0":
            return train, test
        # In one go, so that both lose cells by the same ranks.
        rows = pa.concat_tables([train, test])
        if self.missing == MAR:
            rows = blanked_by_another(rows, public, self.seed)
        else:
            rows = blanked(rows, public, float(self.missing), self.seed)
        return rows.slice(0, len(train)), rows.slice(len(train))

    @property
    def columns(self) -> Columns:
        """What is known of the columns."""
        public = self.public
        return Columns(public.label, tuple(public.exclude), public.categorical)

    @property
    def flags(self) -> list[str]:
        """The same as flags of `train`."""
        found = ["--label", self.public.label]
        found += [f"--exclude={name}" for name in self.public.exclude]
        return found + [f"--categorical={name}" for name in self.public.categorical]


def _digit_halves(public: Digits, seed: int) -> tuple[pa.Table, pa.Table]:
    rng = np.random.default_rng([seed, 11])
    rows = read(DATA / public.file)
    digits = labels_of(rows, public.label)
    parts = [
        drawn(rows.filter(pa.array(digits == digit)), count, rng)
        for digit, count in public.counts.items()
    ]
    table = pa.concat_tables(parts)
    pixels = table.drop_columns([public.label]).to_pandas()
    outside = test_rows(pixels, labels_of(table, public.label), rng)
    return table.filter(pa.array(~outside)), table.filter(pa.array(outside))


def blanked_by_another(table: pa.Table, public: Public, seed: int) -> pa.Table:
    """Empty cells where one column, which stays whole, is high.

    A cell is lost with a chance that grows with the rank of that column's cell, from
    none at the lowest to twice `MAR_SHARE` at the highest; the column is drawn among
    those with an order worth following.
    """
    rng = np.random.default_rng([seed, 13])
    names = [
        name
        for name in table.column_names
        if name != public.label and name not in public.exclude
    ]
    many = [n for n in names if pc.count_distinct(table[n]).as_py() >= FEW_VALUES]
    driver = rng.choice(many or names)
    share = 2 * MAR_SHARE * (_ranks(table[driver]) - 0.5) / len(table)
    for name in names:
        if name == driver:
            continue
        hidden = pa.array(rng.random(len(table)) < share)
        cells = table[name]
        at = table.column_names.index(name)
        empty = pa.scalar(None, cells.type)
        kept = pc.if_else(hidden, empty, cells)
        table = table.set_column(at, table.schema.field(at), kept)
    return table


def _ranks(cells: pa.ChunkedArray) -> NDArray[np.float64]:
    values = cells.to_pandas()
    if values.dtype.kind not in "iuf":
        try:
            values = values.astype(float)  # the cells of CSV are text
        except ValueError:
            values = values.astype("category").cat.codes
    filled = np.nan_to_num(values.to_numpy(dtype=float), nan=-np.inf)
    return np.asarray(rankdata(filled), dtype=np.float64)


@dataclass(frozen=True)
class Split:
    """A case as files and as features.

    Attributes
    ----------
    case : Case
    folder : Path
    train, test : pa.Table
    """

    case: Case
    folder: Path
    train: pa.Table
    test: pa.Table

    @property
    def ending(self) -> str:
        """That of the files."""
        return Path(self.case.public.file).suffix

    def write(self) -> None:
        """Write both files, `train` and `test`."""
        write(self.train, self.folder / f"train{self.ending}")
        write(self.test, self.folder / f"test{self.ending}")

    def features(self) -> tuple[Features, NDArray[np.int64], Features, tuple[str, ...]]:
        """Give train features, places of classes, test features and class names.

        Read as the program reads them: peers get the same columns of the same kinds.
        """
        options = ReadOptions()
        train = str(self.folder / f"train{self.ending}")
        with open_source(train, options, reread=True) as source:
            schema, _ = find_schema(source, self.case.columns)
            thinning = thinning_for(schema, None)
            table = read_table(source, schema, fit_standard, thinning)
        with open_source(str(self.folder / f"test{self.ending}"), options) as source:
            cells = [schema.values(source, batch)[0] for batch in source.batches()]
        return (
            features_of(schema, table.values),
            table.labels,
            features_of(schema, np.concatenate(cells)),
            schema.label.classes,
        )
