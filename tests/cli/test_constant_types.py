"""Columns of one value, of every type that typed files know."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from cbvae_cli.cli.app import main

CLOCK = datetime.time(1, 2, 3, 5000)
VALUES = {
    "int8": pa.scalar(3, pa.int8()),
    "uint64": pa.scalar(2**64 - 1, pa.uint64()),
    "float": pa.scalar(0.1, pa.float32()),
    "bool": pa.scalar(True),
    "large": pa.scalar("x", pa.large_string()),
    "view": pa.scalar("x", pa.string_view()),
    "decimal": pa.scalar(Decimal("1.50"), pa.decimal128(20, 2)),
    "date32": pa.scalar(5, pa.date32()),
    "date64": pa.scalar(datetime.date(1, 1, 1), pa.date64()),
    "seconds": pa.scalar(datetime.time(1, 2, 3), pa.time32("s")),
    "thousandths": pa.scalar(CLOCK, pa.time32("ms")),
    "clock": pa.scalar(CLOCK, pa.time64("us")),
    "zoned": pa.scalar(10**15 + 1, pa.timestamp("us", "Europe/Paris")),
    "ms": pa.scalar(1, pa.timestamp("ms")),
    "duration": pa.scalar(-5, pa.duration("us")),
    "long": pa.scalar(90_061, pa.duration("s")),
}
FLAGS = ["--preset", "paper", "--epochs", "1", "--hidden", "4", "--quiet"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Train on a table of constants with gaps, and a number that varies."""
    folder = tmp_path_factory.mktemp("constants")
    columns = {
        name: pa.array([None if n % 5 == 0 else value.as_py() for n in range(40)])
        if isinstance(value, pa.StringScalar)
        else pa.array([None if n % 5 == 0 else value for n in range(40)], value.type)
        for name, value in VALUES.items()
    }
    names = ["p", "q", None, "p"] * 10
    columns["words"] = pa.array(names, pa.string_view())
    table = pa.table({**columns, "n": list(range(40)), "y": ["p", "q"] * 20})
    with (
        pa.OSFile(f"{folder}/t.arrow", "wb") as file,
        pa.ipc.new_stream(file, table.schema) as stream,
    ):
        stream.write_table(table)
    argv = ["train", f"{folder}/t.arrow", "--label", "y", *FLAGS]
    assert main([*argv, "-o", f"{folder}/m.cbvae"]) == 0
    return folder


def rows(path):
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
        return stream.read_all()


def test_gaps_get_the_value_in_the_columns_own_type(folder):
    argv = ["impute", f"{folder}/m.cbvae", f"{folder}/t.arrow", "--quiet"]
    assert main([*argv, "-o", f"{folder}/filled.arrow"]) == 0
    found, before = rows(folder / "filled.arrow"), rows(folder / "t.arrow")
    assert found.schema == before.schema
    for name, value in VALUES.items():
        assert set(found[name].to_pylist()) == {value.as_py()}, name
    assert set(found["words"].to_pylist()) == {"p", "q"}


def test_made_rows_hold_the_value(folder):
    argv = ["augment", f"{folder}/m.cbvae", "-n", "3", "--quiet"]
    assert main([*argv, "-o", f"{folder}/made.arrow"]) == 0
    found = rows(folder / "made.arrow")
    for name, value in VALUES.items():
        assert set(found[name].to_pylist()) == {value.as_py()}, name


def test_text_takes_the_types_of_training(folder):
    argv = ["impute", f"{folder}/m.cbvae", f"{folder}/t.arrow", "--quiet"]
    assert main([*argv, "-o", f"{folder}/filled.csv"]) == 0
    text = (folder / "filled.csv").read_text("utf-8").splitlines()
    lasting = [
        n for n, name in enumerate(text[0].split(",")) if name in {"duration", "long"}
    ]
    short = [
        ",".join(c for n, c in enumerate(line.split(",")) if n not in lasting)
        for line in text
    ]
    (folder / "short.csv").write_text("\n".join(short), encoding="utf-8")
    argv = ["classify", f"{folder}/m.cbvae", f"{folder}/short.csv", "--quiet"]
    assert main([*argv, "-o", f"{folder}/named.arrow"]) == 0
    found = rows(folder / "named.arrow")
    for name in ("clock", "seconds", "zoned", "ms", "date64"):
        assert found[name].type == VALUES[name].type
        assert set(found[name].to_pylist()) == {VALUES[name].as_py()}, name
