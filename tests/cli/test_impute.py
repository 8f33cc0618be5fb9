"""Filling through the command line: what was there stays, what is filled fits."""

import csv
import io
import json
import re
from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from cbvae_cli.cli.app import main

BRIEF = ["--label", "y", "--epochs", "2", "--hidden", "16", "--quiet"]
NULLS = {"", "NA", "NaN", "null", "n/a", "None"}
N = 60


def one_of(*cells):
    return st.sampled_from(cells)


# Cells as people write them; each is read as its column's kind.
CELLS = {
    "code": one_of("001", "002", "010", "None", "NA", ""),
    "price": one_of("1.10", "2.00", "+3.50", " 4.25", "7", "1e1", "NaN", ""),
    "big": one_of("12345678901234567890", "12345678901234567891", "1", ""),
    "flag": one_of("TRUE", "FALSE", "true", "None", ""),
    "day": one_of("01.02.2024", "1.2.2024", "31.12.2023", "null", ""),
    "note": st.text("a\"',;\n é0", max_size=5),
    "y": one_of("p", "q", ""),
}


def table(**more):
    rng = np.random.default_rng(0)
    columns = {
        "code": [f"{value:03d}" for value in rng.integers(1, 9, N)],
        "price": [f"{value:.2f}" for value in rng.uniform(1, 9, N)],
        "qty": [str(value) for value in rng.integers(100, 900, N)],
        "big": [str(10**19 + int(value)) for value in rng.integers(0, 10**6, N)],
        "flag": [["TRUE", "FALSE"][value] for value in rng.integers(0, 2, N)],
        "day": [f"{n % 28 + 1:02d}.02.2024" for n in range(N)],
        "at": [f"2024-03-{n % 28 + 1:02d}T{n % 24:02d}:30:00+02:00" for n in range(N)],
        "colour": list(rng.choice(["red", "None", "grün"], N)),
        "y": ["p" if value < 0.6 else "q" for value in rng.random(N)],
    }
    return columns | more


def text_of(columns):
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue()


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        names, *rows = csv.reader(file)
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a folder with a bundle of the table above."""
    folder = tmp_path_factory.mktemp("impute")
    (folder / "t.csv").write_text(text_of(table()), encoding="utf-8")
    argv = ["train", f"{folder}/t.csv", *BRIEF, "-o", f"{folder}/m.cbvae"]
    assert main(argv) == 0
    return folder


def impute(folder, rows, *flags, out="filled.csv"):
    argv = ["impute", f"{folder}/m.cbvae", str(rows), "-o", f"{folder}/{out}"]
    assert main([*argv, "--force", "--quiet", *flags]) == 0
    return folder / out


def filled(folder, columns, *flags):
    rows = folder / "rows.csv"
    rows.write_text(text_of(columns), encoding="utf-8")
    return read(impute(folder, rows, *flags))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.fixed_dictionaries(CELLS), min_size=1, max_size=8))
def test_a_cell_that_holds_a_value_keeps_its_text(folder, rows):
    columns = {name: [row[name] for row in rows] for name in CELLS}
    n_rows = len(rows)
    columns |= {"qty": ["500"] * n_rows, "at": [""] * n_rows, "colour": [""] * n_rows}
    found = filled(folder, columns)
    assert list(found) == list(columns)
    for name, cells in columns.items():
        for before, after in zip(cells, found[name], strict=True):
            if before not in NULLS or name in ("note", "y"):
                assert after == before
    assert all(all(found[name]) for name in ("price", "big", "flag", "day", "at"))


def test_what_is_filled_obeys_its_column(folder):
    known = table()
    found = filled(folder, table(**{n: [""] * N for n in known if n != "y"}))
    assert set(found["code"]) <= set(known["code"])
    assert set(found["colour"]) <= {"red", "None", "grün"}
    assert set(found["flag"]) <= {"TRUE", "FALSE"}
    assert all(re.fullmatch(r"\d\.\d\d", cell) for cell in found["price"])
    assert all(re.fullmatch(r"\d\d\.02\.2024", cell) for cell in found["day"])
    moment = r"2024-03-\d\dT\d\d:\d\d:00\+02:00"
    assert all(re.fullmatch(moment, cell) for cell in found["at"])
    assert all(cell.isdigit() for cell in found["qty"] + found["big"])
    for name in ("price", "qty", "big"):
        low, high = (f(map(Decimal, known[name])) for f in (min, max))
        # A float holds 16 digits of a number of 20.
        slack = high * Decimal("1e-15")
        assert all(low - slack <= Decimal(cell) <= high + slack for cell in found[name])
    spoken = [datetime.fromisoformat(cell) for cell in known["at"]]
    given_back = [datetime.fromisoformat(cell) for cell in found["at"]]
    assert min(spoken) <= min(given_back) <= max(given_back) <= max(spoken)


def test_a_whole_table_without_gaps_comes_back_to_the_byte(folder):
    assert (
        impute(folder, folder / "t.csv").read_bytes() == (folder / "t.csv").read_bytes()
    )


def test_the_label_decides_where_it_is_given(folder):
    gaps = {"price": [""] * N, "qty": [""] * N}
    by_label = filled(folder, table(**gaps, y=["p"] * N))
    by_flag = filled(folder, table(**gaps), "--class", "p")
    other = filled(folder, table(**gaps, y=["q"] * N))
    assert by_flag["price"] == by_label["price"] != other["price"]
    assert by_flag["y"] == table()["y"]
    unread = filled(folder, table(**gaps, y=["other"] * N), "--hide", "y")
    missing = filled(folder, table(**gaps, y=[""] * N))
    assert unread["price"] == missing["price"]


def test_a_hidden_column_is_filled_in_every_row(folder, tmp_path):
    summary = tmp_path / "s.json"
    found = filled(folder, table(), "--hide", "qty", f"--json={summary}")
    told = json.loads(summary.read_text())
    assert told["columns"] == {"qty": N}
    assert told["filled"] == N
    assert found["qty"] != table()["qty"]
    assert found["price"] == table()["price"]


def test_values_that_are_replaced_are_said_to_be(folder, tmp_path, capsys):
    qty, price = (table()[name] for name in ("qty", "price"))
    columns = table(qty=["", "", *qty[2:]], price=["", *price[1:]])
    rows, told = tmp_path / "rows.csv", tmp_path / "s.json"
    rows.write_text(text_of(columns), encoding="utf-8")
    argv = ["impute", str(folder / "m.cbvae"), str(rows), "-o", f"{tmp_path}/o.csv"]
    argv += ["--hide", "qty", "--hide", "qty", f"--json={told}"]
    assert main(argv) == 0
    said = capsys.readouterr().err
    assert f"filled 3 missing cells in 2 columns of {N} rows" in said
    assert said.count(f"replaced {N - 2} values of 'qty' (--hide)") == 1
    found = json.loads(told.read_text())
    assert (found["filled"], found["replaced"]) == (N + 1, {"qty": N - 2})


def test_empty_rows_and_new_words_are_said_to_be_there(folder, tmp_path, capsys):
    columns = {name: ["", *cells[1:3]] for name, cells in table().items()}
    columns["colour"][2] = "mauve"
    rows = tmp_path / "rows.csv"
    rows.write_text(text_of(columns), encoding="utf-8")
    argv = ["impute", str(folder / "m.cbvae"), str(rows), "-o", f"{tmp_path}/o.csv"]
    assert main(argv) == 0
    said = capsys.readouterr().err
    assert "column 'colour': 1 cell holds a value never seen in training" in said
    assert "1 row holds no value that the model reads" in said
    assert all(all(cells) for name, cells in read(argv[-1]).items() if name != "y")


def test_from_text_to_types_the_columns_of_the_bundle_get_theirs(folder, tmp_path):
    rows = tmp_path / "rows.csv"
    columns = table(extra=["007"] * N, other=[""] * N, y=["p", *[""] * (N - 1)])
    columns["big"] = ["1"] * N  # 64 bits do not hold the others
    columns["price"][:2] = ["", " +1.10"]
    rows.write_text(text_of(columns), encoding="utf-8")
    for ending in ("parquet", "arrow"):
        impute(folder, rows, out=f"typed.{ending}")
    found = parquet.read_table(folder / "typed.parquet")
    with pa.ipc.open_stream(folder / "typed.arrow") as stream:
        assert stream.read_all().equals(found)
    types = {field.name: str(field.type) for field in found.schema}
    assert types == {
        "code": "string",
        "price": "double",
        "qty": "int64",
        "big": "double",
        "flag": "bool",
        "day": "date32[day]",
        "at": "timestamp[us]",
        "colour": "string",
        "y": "string",
        "extra": "string",
        "other": "string",
    }
    assert found["extra"].to_pylist() == ["007"] * N
    assert found["code"].to_pylist() == columns["code"]
    assert found["price"][1].as_py() == 1.1
    assert found["qty"].to_pylist() == [int(cell) for cell in columns["qty"]]
    assert found["day"][0].as_py().isoformat() == "2024-02-01"
    assert found["colour"].to_pylist() == columns["colour"]
    assert found["y"].to_pylist() == ["p", *[None] * (N - 1)]


def test_a_value_that_its_type_cannot_hold_is_refused(folder, tmp_path, capsys):
    rows = tmp_path / "rows.csv"
    columns = table()
    columns["qty"][2] = "1.5"
    rows.write_text(text_of(columns), encoding="utf-8")
    argv = ["impute", f"{folder}/m.cbvae", str(rows), "--quiet", "-o"]
    assert main([*argv, f"{tmp_path}/out.parquet"]) == 3
    said = capsys.readouterr().err
    assert "column 'qty'" in said
    assert "line 4: '1.5'" in said
    assert ".csv" in said
    assert not (tmp_path / "out.parquet").exists()
    assert main([*argv, f"{tmp_path}/out.csv"]) == 0
    assert read(tmp_path / "out.csv")["qty"][2] == "1.5"


def test_spellings_of_a_whole_number_fit_its_type(folder, tmp_path):
    rows = tmp_path / "rows.csv"
    columns = table()
    columns["qty"][:5] = ["+700", " 700 ", "700.0", "0700", "inf"]
    rows.write_text(text_of(columns), encoding="utf-8")
    found = parquet.read_table(impute(folder, rows, out="typed.parquet"))
    assert found["qty"].to_pylist()[:4] == [700] * 4
    assert 100 <= found["qty"][4].as_py() < 900


def test_a_misfit_behind_draws_is_named_by_its_own_line(tmp_path, capsys):
    rng = np.random.default_rng(0)
    cells = zip(rng.integers(100, size=60), rng.random(60), strict=True)
    rows = [f"{a},{b:.3f},{'xy'[n % 2]}" for n, (a, b) in enumerate(cells)]
    table, bundle = tmp_path / "t.csv", tmp_path / "m.cbvae"
    table.write_text("\n".join(["a,b,y", *rows]) + "\n", "utf-8")
    words = ["--label", "y", "--preset", "fast", "--epochs", "1", "--hidden", "8"]
    argv = ["train", str(table), *words, "--quiet", "-o", str(bundle)]
    assert main(argv) == 0
    new, out = tmp_path / "new.csv", tmp_path / "out.parquet"
    new.write_text("a,b,y\n1,,x\n,0.2,y\n3.5,,x\n", "utf-8")
    argv = ["impute", str(bundle), str(new), "--draws", "3", "-o", str(out)]
    assert main(argv) == 3
    error = capsys.readouterr().err
    assert "line 4" in error
    assert "3.5" in error
    assert not out.exists()
