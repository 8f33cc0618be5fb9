"""The public tables: what to leave out and why, and how they are split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

TEST_SHARE = 0.3


@dataclass(frozen=True)
class Public:
    """A public table.

    Attributes
    ----------
    name, file, label : str
    minority : tuple of str
        Classes that are looked for; empty when all count alike.
    exclude : mapping of str to str
        Columns to leave out, with the reason.
    categorical : tuple of str
        Names that are coded as whole numbers.
    test_file : str
        Where the source has a split of its own.
    """

    name: str
    file: str
    label: str
    minority: tuple[str, ...] = ("1",)
    exclude: Mapping[str, str] = field(default_factory=dict)
    categorical: tuple[str, ...] = ()
    test_file: str = ""


ROW_NUMBER = "a row number"
LEAK = "a failure mode: the label is derived from it"
EMPTY = "missing in every row, or constant"
TBG = {"TBG": EMPTY, "TBG measured": EMPTY}
HYPOTHYROID = tuple(f"{which}_hypothyroid" for which in ("compensated", "primary"))
ADBENCH = (
    *("cardio", "thyroid", "satimage-2", "musk", "annthyroid", "pendigits"),
    *("vowels", "optdigits", "waveform", "fault", "wilt", "ionosphere"),
)

_LISTED = (
    Public(
        "fraud",
        "fraud.parquet",
        "Class",
        exclude={"Time": "the copy does not cover time evenly: not a fair feature"},
    ),
    Public(
        "default-credit",
        "default-credit.parquet",
        "default.payment.next.month",
        exclude={"ID": ROW_NUMBER},
        categorical=("SEX", "EDUCATION", "MARRIAGE"),
    ),
    Public(
        "stroke",
        "stroke.parquet",
        "stroke",
        exclude={"id": "an identifier"},
        categorical=("hypertension", "heart_disease"),
    ),
    Public(
        "adult",
        "adult.parquet",
        "income",
        (">50K",),
        exclude={
            "fnlwgt": "a sampling weight, not a property of the person",
            "education-num": "says the same as education",
        },
    ),
    Public("mammography", "mammography.parquet", "class"),
    Public(
        "ai4i2020",
        "ai4i2020.parquet",
        "Machine failure",
        exclude={
            "UDI": ROW_NUMBER,
            "Product ID": "an identifier; its first letter repeats Type",
            **dict.fromkeys(("TWF", "HDF", "PWF", "OSF", "RNF"), LEAK),
        },
    ),
    Public("sick", "sick.parquet", "Class", ("sick",), exclude=TBG),
    Public(
        "hypothyroid",
        "hypothyroid.parquet",
        "Class",
        (*HYPOTHYROID, "secondary_hypothyroid"),
        exclude=TBG,
    ),
    Public("page-blocks", "page-blocks.csv", "class", ("2", "3", "4", "5")),
    *(Public(f"adbench-{n}", f"adbench-{n}.parquet", "label") for n in ADBENCH),
    Public("mnist", "mnist-train.parquet", "label", (), test_file="mnist-test.parquet"),
)

TABLES = {public.name: public for public in _LISTED}


def read(path: Path) -> pa.Table:
    """Read a table; the cells of CSV stay text."""
    if path.suffix == ".parquet":
        return pa.parquet.read_table(path)
    with path.open(encoding="utf-8") as file:
        names = file.readline().strip().split(",")
    options = pa.csv.ConvertOptions(
        column_types=dict.fromkeys((n.strip('"') for n in names), pa.string()),
        strings_can_be_null=True,
        null_values=[""],
        quoted_strings_can_be_null=False,
    )
    return pa.csv.read_csv(path, convert_options=options)


def write(table: pa.Table, path: Path) -> None:
    """Write a table in the format that its name says."""
    if path.suffix == ".parquet":
        pa.parquet.write_table(table, path)
    else:
        pa.csv.write_csv(table, path, pa.csv.WriteOptions(quoting_style="needed"))


def halves(
    public: Public, folder: Path, most: int | None, seed: int
) -> tuple[pa.Table, pa.Table]:
    """Give train and test rows of a table, in their order.

    Parameters
    ----------
    public : Public
    folder : Path
    most : int or None
        Rows to draw, where there are more.
    seed : int
    """
    rng = np.random.default_rng([seed, 11])
    table = drawn(read(folder / public.file), most, rng)
    if public.test_file:
        return table, drawn(read(folder / public.test_file), most, rng)
    left_out = [public.label, *public.exclude]
    features = table.drop_columns([n for n in left_out if n in table.column_names])
    outside = test_rows(features.to_pandas(), labels_of(table, public.label), rng)
    return table.filter(pa.array(~outside)), table.filter(pa.array(outside))


def drawn(table: pa.Table, most: int | None, rng: np.random.Generator) -> pa.Table:
    """Draw rows, their order kept."""
    if most is None or len(table) <= most:
        return table
    return table.take(np.sort(rng.choice(len(table), size=most, replace=False)))


def labels_of(table: pa.Table, label: str) -> NDArray[np.object_]:
    """Give the text of each row's class."""
    return np.array(table[label].cast(pa.string()).to_pylist(), dtype=object)


def test_rows(
    features: pd.DataFrame, labels: NDArray[np.object_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Mark the rows to test on; rows of equal features stay together."""
    keys = pd.util.hash_pandas_object(features, index=False).to_numpy()
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    outside = np.zeros(len(first), dtype=bool)
    for name in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels[first] == name))
        outside[own[: round(TEST_SHARE * len(own))]] = True
    marked: NDArray[np.bool_] = outside[group]
    return marked


def blanked(table: pa.Table, public: Public, share: float, seed: int) -> pa.Table:
    """Empty some of the cells of every feature column."""
    rng = np.random.default_rng([seed, 12])
    for at, name in enumerate(table.column_names):
        if name == public.label or name in public.exclude:
            continue
        hidden = pa.array(rng.random(len(table)) < share)
        cells = table.column(at)
        empty = pa.scalar(None, cells.type)
        table = table.set_column(
            at, table.schema.field(at), pc.if_else(hidden, empty, cells)
        )
    return table
