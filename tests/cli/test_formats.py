"""Every format in and out; typed cells keep their type and value."""

import datetime as dt
import io
import sys
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import csv, parquet

from cbvae_cli.cli.app import main

BRIEF = ["--label", "y", "--epochs", "2", "--hidden", "16", "--quiet"]
N = 80
BERLIN = dt.timezone(dt.timedelta(hours=1))


def with_gaps(values, every):
    return [None if n % every == every - 1 else v for n, v in enumerate(values)]


def typed_table():
    rng = np.random.default_rng(0)
    start = dt.datetime(2024, 1, 5, 8, 30)
    moments = [start + dt.timedelta(hours=7 * n, seconds=n) for n in range(N)]
    cents = [Decimal(int(v)) / 100 for v in rng.integers(100, 9_999, N)]
    names = pa.array(with_gaps(list(rng.choice(["red", "grün"], N)), 7))
    numbers = rng.normal(5, 2, N).round(3)
    columns = {
        "small": pa.array(with_gaps(rng.integers(0, 90, N).tolist(), 5), pa.int8()),
        "wide": pa.array(with_gaps((2**62 + rng.integers(0, 9**9, N)).tolist(), 6)),
        "single": pa.array(with_gaps(numbers.tolist(), 8), pa.float32()),
        "price": pa.array(with_gaps(cents, 9), pa.decimal128(10, 2)),
        "name": names.dictionary_encode(),
        "long": names.cast(pa.large_string()),
        "flag": pa.array(with_gaps((rng.random(N) < 0.5).tolist(), 4)),
        "word": pa.array(with_gaps([["False", "True"][n % 2] for n in range(N)], 5)),
        "digits": pa.array(with_gaps([f"{v:.2f}" for v in numbers], 6)),
        "at": pa.array(with_gaps(moments, 7), pa.timestamp("ms")),
        "zoned": pa.array(with_gaps(moments, 8), pa.timestamp("us", "Europe/Berlin")),
        "day": pa.array(with_gaps([m.date() for m in moments], 9)),
        "clock": pa.array(with_gaps([m.time() for m in moments], 9), pa.time64("us")),
        "lasts": pa.array(with_gaps([m - start for m in moments], 9)),
        "list": pa.array([[n] for n in range(N)]),
        "raw": pa.array([b"x"] * N),
        "y": pa.array(rng.choice([0, 1], N).tolist(), pa.int32()),
    }
    return pa.table(columns)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Give a folder with a table of every type, and a bundle of it."""
    folder = tmp_path_factory.mktemp("formats")
    parquet.write_table(typed_table(), folder / "t.parquet")
    argv = ["train", f"{folder}/t.parquet", *BRIEF, "-o", f"{folder}/m.cbvae"]
    assert main(argv) == 0
    return folder


def ask(verb, folder, rows, out, *flags):
    argv = [verb, f"{folder}/m.cbvae", str(rows), "-o", str(out), "--quiet", *flags]
    assert main(argv) == 0
    return out


def test_typed_cells_keep_their_type_and_value(folder, tmp_path):
    before = typed_table()
    out = ask("impute", folder, folder / "t.parquet", tmp_path / "filled.parquet")
    after = parquet.read_table(out)
    assert after.schema.equals(before.schema)
    for name in before.column_names:
        old, new = before[name].combine_chunks(), after[name].combine_chunks()
        seen = old.is_valid()
        assert new.filter(seen).to_pylist() == old.filter(seen).to_pylist()
        if name not in ("list", "raw"):
            assert new.null_count == 0


def test_typed_cells_are_filled_by_their_kind(folder, tmp_path):
    before = typed_table()
    out = ask("impute", folder, folder / "t.parquet", tmp_path / "filled.parquet")
    after = parquet.read_table(out)
    for name in before.column_names[:-3]:
        filled = after[name].filter(before[name].is_null())
        if name in ("name", "long", "word", "flag"):
            known = set(before[name].to_pylist())
            assert set(filled.to_pylist()) <= known
        elif name != "digits":
            seen = [cell for cell in before[name].to_pylist() if cell is not None]
            assert all(min(seen) <= cell <= max(seen) for cell in filled.to_pylist())
    digits = after["digits"].filter(before["digits"].is_null()).to_pylist()
    assert all(len(cell.partition(".")[2]) == 2 for cell in digits)


@pytest.mark.parametrize("verb", ["classify", "score"])
def test_typed_columns_pass_through(folder, tmp_path, verb):
    out = ask(verb, folder, folder / "t.parquet", tmp_path / "out.parquet")
    kept = parquet.read_table(out).select(typed_table().column_names)
    assert kept.equals(typed_table())


def test_made_rows_have_the_types_of_training(folder, tmp_path):
    argv = ["augment", f"{folder}/m.cbvae", "-n", "20", "--class", "1", "--quiet"]
    assert main([*argv, "-o", f"{tmp_path}/a.parquet"]) == 0
    made = parquet.read_table(tmp_path / "a.parquet")
    before = typed_table().drop_columns(["list", "raw"])
    assert made.column_names == before.column_names
    for name in before.column_names:
        kind = before[name].type
        if pa.types.is_dictionary(kind) or pa.types.is_large_string(kind):
            kind = pa.string()
        assert made[name].type == kind
    assert made["y"].to_pylist() == [1] * 20
    assert set(made["word"].to_pylist()) <= {"False", "True"}
    assert all(len(cell.partition(".")[2]) == 2 for cell in made["digits"].to_pylist())


def test_made_rows_as_text_read_back(folder, tmp_path):
    argv = ["augment", f"{folder}/m.cbvae", "-n", "20", "--quiet", "-o"]
    assert main([*argv, f"{tmp_path}/a.csv"]) == 0
    made = csv.read_csv(tmp_path / "a.csv")
    assert made["at"].type == pa.timestamp("s")
    assert made["zoned"].type == pa.timestamp("s", "UTC")
    assert made["day"].type == pa.date32()
    assert made["clock"].type == pa.time32("s")


def test_a_bundle_of_types_reads_text(folder, tmp_path):
    names = ["small", "wide", "single", "price", "name", "long", "flag", "word"]
    names += ["digits", "at", "zoned", "day", "y"]
    rows = typed_table().select(names)
    for other in ("clock", "lasts"):
        rows = rows.append_column(other, pa.nulls(N, pa.string()))
    csv.write_csv(rows, tmp_path / "t.csv")
    out = ask("impute", folder, tmp_path / "t.csv", tmp_path / "filled.csv")
    found = csv.read_csv(out)
    for name in names:
        assert found[name].null_count == 0
    assert found["at"].type in (pa.timestamp("s"), pa.timestamp("ns"))


def test_answers_do_not_depend_on_the_format(folder, tmp_path):
    names = ["small", "wide", "single", "price", "name", "long", "flag", "word"]
    names += ["digits", "at", "day"]
    plain = typed_table().select(names)
    plain = plain.set_column(4, "name", plain["name"].cast(pa.string()))
    plain = plain.set_column(2, "single", plain["single"].cast(pa.float64()))
    full = plain.append_column("y", typed_table()["y"])
    parquet.write_table(full, tmp_path / "full.parquet")
    bundle = tmp_path / "m.cbvae"
    assert main(["train", f"{tmp_path}/full.parquet", *BRIEF, "-o", str(bundle)]) == 0
    parquet.write_table(plain, tmp_path / "rows.parquet")
    with pa.ipc.new_stream(tmp_path / "rows.arrow", plain.schema) as stream:
        stream.write_table(plain)
    expected = None
    argv = ["classify", str(bundle), "--only", "--quiet"]
    assert main([*argv, f"{tmp_path}/rows.parquet", "-o", f"{tmp_path}/0.parquet"]) == 0
    expected = parquet.read_table(tmp_path / "0.parquet")
    text = pa.table({n: pc.cast(c, pa.string()) for n, c in plain_cells(plain)})
    csv.write_csv(text, tmp_path / "rows.csv")
    packed = {"gz": "gzip", "zst": "zstd"}
    for ending, codec in packed.items():
        with pa.CompressedOutputStream(tmp_path / f"rows.csv.{ending}", codec) as out:
            csv.write_csv(text, out)
    for ending in ("arrow", "csv", "csv.gz", "csv.zst"):
        out = tmp_path / f"of_{ending}.parquet"
        assert main([*argv, f"{tmp_path}/rows.{ending}", "-o", str(out)]) == 0
        found = parquet.read_table(out)
        assert found["cbvae_label"].equals(expected["cbvae_label"])
        for name in expected.column_names[1:]:
            assert np.allclose(found[name], expected[name], atol=1e-5), (ending, name)


def plain_cells(table):
    for name, cells in zip(table.column_names, table.columns, strict=True):
        yield name, cells.cast(pa.string())


@pytest.fixture(scope="module")
def text_bundle(tmp_path_factory):
    """Give a folder with a small text table and its bundle."""
    folder = tmp_path_factory.mktemp("text")
    rows = "".join(f"{n * 7 % 50},{'rgb'[n % 3]},{'pq'[n % 2]}\n" for n in range(60))
    (folder / "t.csv").write_text("n,c,y\n" + rows.replace("0,r", ",r"))
    argv = ["train", f"{folder}/t.csv", *BRIEF, "-o", f"{folder}/m.cbvae"]
    assert main(argv) == 0
    return folder


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.zst", "parquet", "arrow"])
def test_every_format_is_written_and_read_again(text_bundle, tmp_path, ending):
    one = ask("impute", text_bundle, text_bundle / "t.csv", tmp_path / f"a.{ending}")
    two = ask("impute", text_bundle, one, tmp_path / "b.csv")
    three = ask("impute", text_bundle, text_bundle / "t.csv", tmp_path / "c.csv")
    assert two.read_bytes() == three.read_bytes()


def test_json_lines_go_in_and_out(text_bundle, tmp_path):
    rows = tmp_path / "rows.ndjson"
    rows.write_text('{"n": 3, "c": "r"}\n{"n": null, "c": "g"}\n{"c": null, "n": 7}\n')
    out = ask("impute", text_bundle, rows, tmp_path / "filled.ndjson")
    lines = out.read_text().splitlines()
    assert lines[0] == '{"n": 3, "c": "r"}'
    assert lines[1].startswith('{"n": ')
    assert lines[2].startswith('{"n": 7, "c": "')
    assert "null" not in out.read_text()


def test_a_bundle_trains_from_json_lines(tmp_path):
    rows = "".join(
        f'{{"n": {n * 7 % 50}, "b": {"true" if n % 2 else "null"}, "y": "{"pq"[n % 2]}"'
        "}\n"
        for n in range(60)
    )
    (tmp_path / "t.ndjson").write_text(rows)
    argv = ["train", f"{tmp_path}/t.ndjson", *BRIEF, "-o", f"{tmp_path}/m.cbvae"]
    assert main(argv) == 0
    ask("classify", tmp_path, tmp_path / "t.ndjson", tmp_path / "o.ndjson")
    assert len((tmp_path / "o.ndjson").read_text().splitlines()) == 60


def test_a_folder_of_files_gives_a_folder_of_files(folder, tmp_path):
    rows = tmp_path / "rows"
    (rows / "sub").mkdir(parents=True)
    parquet.write_table(typed_table()[:30], rows / "a.parquet")
    parquet.write_table(typed_table()[30:], rows / "sub" / "b.parquet")
    out = ask("classify", folder, rows, tmp_path / "out")
    names = sorted(p.relative_to(out).as_posix() for p in out.rglob("*.parquet"))
    assert names == ["a.parquet", "sub/b.parquet"]
    assert parquet.read_metadata(out / "a.parquet").num_rows == 30
    one = ask("classify", folder, folder / "t.parquet", tmp_path / "one.parquet")
    both = [parquet.read_table(out / name) for name in names]
    whole = parquet.read_table(one)
    assert pa.concat_tables(both)["cbvae_label"].equals(whole["cbvae_label"])
    argv = ["classify", f"{folder}/m.cbvae", str(rows), "-o", str(out), "--quiet"]
    assert main(argv) == 2
    assert main([*argv, "--force"]) == 0


def test_a_glob_is_one_table(text_bundle, tmp_path, monkeypatch):
    header, *lines = (text_bundle / "t.csv").read_text().splitlines(keepends=True)
    (tmp_path / "part1.csv").write_text(header + "".join(lines[:10]))
    (tmp_path / "part2.csv").write_text(header + "".join(lines[10:]))
    out = ask("score", text_bundle, f"{tmp_path}/part*.csv", tmp_path / "s.csv")
    one = ask("score", text_bundle, text_bundle / "t.csv", tmp_path / "one.csv")
    assert out.read_text() == one.read_text()


@pytest.mark.parametrize("ending", ["parquet", "arrow", "ndjson", "csv.gz"])
def test_the_format_of_streams_is_told_by_flags(
    text_bundle, tmp_path, monkeypatch, capsysbinary, ending
):
    rows = ask("impute", text_bundle, text_bundle / "t.csv", tmp_path / f"a.{ending}")
    stdin = io.TextIOWrapper(io.BytesIO(rows.read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    flags = ["--in-format", ending, "--out-format", ending, "--quiet"]
    assert main(["impute", f"{text_bundle}/m.cbvae", "-", *flags]) == 0
    (tmp_path / f"b.{ending}").write_bytes(capsysbinary.readouterr().out)
    if ending == "parquet":
        one, two = (parquet.read_table(tmp_path / f"{n}.parquet") for n in "ab")
        assert one.equals(two)
    else:
        again = (tmp_path / f"b.{ending}").read_bytes()
        assert again == rows.read_bytes()
