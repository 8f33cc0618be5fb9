from __future__ import annotations

import gzip
import os
import struct

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table import csv_source
from cbvae_cli.table.source import ReadOptions, open_source

NEVER_CLOSED = "a quote in rows.csv is not closed where its cell ends"


def read_through(path, **options):
    with open_source(str(path), ReadOptions(**options)) as source:
        for _ in source.batches():
            pass


def refusal(path, kind=DataProblem, **options):
    with pytest.raises(kind) as caught:
        read_through(path, **options)
    assert caught.value.exit_code == (3 if kind is DataProblem else 2)
    return caught.value


@pytest.fixture
def refused(tmp_path):
    """Refuse bytes under a name."""

    def write(data, name="rows.csv", kind=DataProblem, **options):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return refusal(path, kind, **options)

    return write


def test_a_missing_file_is_wrong_usage(tmp_path):
    error = refusal(tmp_path / "none.csv", UsageProblem)
    assert error.what == f"there is no file '{tmp_path}/none.csv'"
    error = refusal(tmp_path / "none*.csv", UsageProblem)
    assert error.what == f"no file matches '{tmp_path}/none*.csv'"


def test_an_unknown_ending_is_wrong_usage(refused):
    error = refused("a\n1\n", "rows.txt", UsageProblem)
    assert "names no table format" in error.what
    assert error.expected == ".csv, .csv.gz, .csv.zst, .parquet, .arrow, .ndjson"
    assert "--in-format" in error.hint
    error = refused("a\n1\n", "rows.txt", UsageProblem, format="tsv")
    assert error.what == "--in-format 'tsv' is not a table format"


@pytest.mark.parametrize("name", ["rows.csv", "rows.csv.gz", "rows.ndjson"])
@pytest.mark.parametrize("data", [b"", b"\n\n"])
def test_an_empty_file_is_refused(refused, name, data):
    data = gzip.compress(data) if name.endswith("gz") and data else data
    assert refused(data, name).what == f"{name} is empty"


@pytest.mark.parametrize("text", ["a,b\n", "a,b", "a,b\n\n\n"])
def test_a_header_without_rows_is_refused(refused, text):
    assert refused(text).what == "rows.csv has columns but no rows"


def test_columns_of_one_name_are_refused_by_name(refused, tmp_path):
    error = refused("a,b,a,c,b\n1,2,3,4,5\n")
    assert error.what == "rows.csv has more than one column of the same name"
    assert error.where == "rows.csv: 'a', 'b'"
    table = pa.table([[1], [2]], names=["x", "x"])
    with pa.ipc.new_stream(str(tmp_path / "x.arrow"), table.schema) as writer:
        writer.write_table(table)
    assert refusal(tmp_path / "x.arrow").where == "x.arrow: 'x'"


@pytest.mark.parametrize(
    ("text", "line", "got"),
    [
        ("a,b\n1,2\n3,4,5\n", 3, 3),
        ('a,b\n"x\n\ny",2\n\n3\n', 6, 1),
        ("a,b\r\n1,2\r\n3\r\n", 3, 1),
        ("a,b\n1,2\n  \n", 3, 1),
    ],
)
def test_a_ragged_row_is_refused_with_its_line(refused, text, line, got):
    error = refused(text)
    cells = "cell" if got == 1 else "cells"
    assert error.what == f"a row of rows.csv has {got} {cells}, the header has 2"
    assert error.where.startswith(f"rows.csv, line {line}: ")
    assert error.expected == "2 cells separated by ','"


def test_a_ragged_row_far_into_a_file_is_refused_with_its_line(refused):
    text = "a,b\n" + '1,"x\ny"\n' * 500_000 + "1,2,3\n" + "1,2\n" * 9
    assert refused(text).where == "rows.csv, line 1000002: '1,2,3'"


@pytest.mark.parametrize(
    "text",
    [
        'a,b\n1,"x\n2,y\n3,"z"\n',
        'a,b\n1,"x\n2,y\n3,"z\n4,5\n',
        'a,b\n1,"x\n2,y\n3,"z"\n4,"5"\n',
    ],
)
def test_a_quote_that_swallows_rows_is_refused(refused, text):
    error = refused(text)
    assert error.what == NEVER_CLOSED
    assert error.where.startswith("rows.csv, line 2: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('a,b\n1,2\n3,"x\n4,5\n', 3),
        ('a,b\n1,2\n3,"', 3),
        ('a,b\n1,5" pipe\n3,"x""\n', 3),
        ('a,"b\n1,2\n', 1),
        ('a\n"', 2),
    ],
)
def test_a_quote_that_never_closes_is_refused_with_its_line(refused, text, line):
    error = refused(text)
    assert error.what == NEVER_CLOSED
    assert error.where.startswith(f"rows.csv, line {line}: ")


def test_an_endless_row_is_refused_before_it_fills_the_memory(refused, monkeypatch):
    monkeypatch.setattr(csv_source, "ROW_MOST", 1 << 20)
    monkeypatch.setattr(csv_source, "BLOCK_LEAST", 1 << 16)
    error = refused('a,b\n1,2\n3,"x\n' + "4,5\n" * 1_000_000)
    assert error.what == NEVER_CLOSED
    assert error.where.startswith("rows.csv, line 3: ")
    error = refused("a,b\n1,2\n3," + "x" * 4_000_000)
    assert error.what == "a row of rows.csv is longer than 1 MiB"
    assert error.where == "rows.csv, line 3"


def test_bytes_that_are_not_utf8_are_refused_with_their_line(refused):
    error = refused("a,b\n1,2\nZoë,2\n".encode("latin-1"))
    assert error.what == "rows.csv is not written in utf-8"
    assert error.where == "rows.csv, line 3: byte 0xeb"
    assert "--encoding latin-1" in error.hint
    far = b"a,b\n" + "é,2\n".encode() * 900_000 + b"\xff,2\n"
    assert refused(far).where == "rows.csv, line 900002: byte 0xff"
    assert refused(b"a,b\n1,\xc3").where == "rows.csv, line 2: byte 0xc3"


def test_utf16_is_recognised(refused):
    error = refused("a,b\n1,2\n".encode("utf-16"))
    assert error.hint == "add --encoding utf-16"


def test_a_nul_byte_is_refused_with_its_line(refused):
    error = refused(b"a,b\n1,2\n3,\0\n")
    assert error.what == "rows.csv holds a NUL byte, so it is not a text table"
    assert error.where == "rows.csv, line 3"


@pytest.mark.parametrize("name", ["latin-99", "zlib"])
def test_an_unknown_encoding_is_wrong_usage(refused, name):
    error = refused("a,b\n1,2\n", kind=UsageProblem, encoding=name)
    assert error.what == f"there is no text encoding called '{name}'"


@pytest.mark.parametrize("mark", ["", ";;", "é", '"', "\n"])
def test_a_delimiter_that_cannot_be_is_wrong_usage(refused, mark):
    error = refused("a,b\n1,2\n", kind=UsageProblem, delimiter=mark)
    assert "cannot separate cells" in error.what


@pytest.mark.parametrize(("mark", "flag"), [(";", "';'"), ("\t", "'\\t'")])
def test_another_delimiter_is_suggested(refused, mark, flag):
    error = refused(f"a{mark}b\n1{mark}2\n")
    assert error.hint == f"add --delimiter {flag}"


def test_packing_that_is_cut_short_or_damaged_is_refused(refused):
    whole = gzip.compress(os.urandom(3000).hex().join(["a,b\n1,", "\n"]).encode())
    assert (
        refused(whole[:-9], "rows.csv.gz").what == "rows.csv.gz is damaged or cut short"
    )
    assert "damaged" in refused(b"a,b\n1,2\n", "rows.csv.gz").what
    packed = pa.compress(b"a,b\n1,2\n" * 99, "zstd", asbytes=True)
    assert "damaged" in refused(packed[:-3], "rows.csv.zst").what
    assert "damaged" in refused(b"nothing of the kind", "rows.csv.zst").what


@pytest.mark.parametrize("cut", [0, 3, 40, -10])
def test_damaged_parquet_is_refused(refused, tmp_path, cut):
    pq.write_table(pa.table({"a": list(range(99))}), tmp_path / "whole")
    data = (tmp_path / "whole").read_bytes()
    assert (
        refused(data[:cut], "x.parquet").what == "x.parquet cannot be read as Parquet"
    )


@pytest.mark.parametrize("cut", [0, 3, 40, 700])
@pytest.mark.parametrize("new", [pa.ipc.new_stream, pa.ipc.new_file])
def test_damaged_arrow_is_refused(refused, tmp_path, cut, new):
    table = pa.table({"a": list(range(99))})
    with new(str(tmp_path / "whole"), table.schema) as writer:
        writer.write_table(table)
    data = (tmp_path / "whole").read_bytes()
    assert refused(data[:cut], "x.arrow").what == "x.arrow cannot be read as Arrow IPC"


def test_lengths_that_lie_do_not_crash(refused):
    batch = pa.record_batch([pa.array(["abc", "def"])], names=["a"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    offsets, lies = struct.pack("<iii", 0, 3, 6), struct.pack("<iii", 0, 3, 1 << 30)
    error = refused(sink.getvalue().to_pybytes().replace(offsets, lies), "x.arrow")
    assert error.what == "x.arrow cannot be read as Arrow IPC"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('{"a": 1}\n\n{"a": }\n', 3, '{"a": }'),
        ('{"a": 1}\n[1]\n', 2, "[1]"),
        ('{"a": 1}\n{"a": 99999999999999999999}\n', 2, "int too large"),
        ('{"a": 1}\n{"a": "x"}\n', 2, "'a' holds string, before it held int64"),
        ('{"a": true}\n{"a": 2}\n', 2, "'a' holds int64, before it held bool"),
        ('{"a": "\\ud800"}\n', 1, "surrogates"),
        ("[" * 100_000 + "\n", 1, "["),
    ],
)
def test_lines_that_are_no_rows_are_refused_with_their_number(refused, text, line, why):
    error = refused(text, "rows.ndjson")
    assert error.where.startswith(f"rows.ndjson, line {line}: ")
    assert why in error.where
    assert len(error.where) < 120


@pytest.mark.parametrize(
    ("late", "why"),
    [
        ('{"a": 1.5, "b": {"x": 1}}', "'a' holds double, before it held int64"),
        ('{"a": 1, "c": 2}', "new key 'c'"),
        (
            '{"a": 1, "b": {"y": 2}}',
            "'b' holds struct<y: int64>, before it held struct<x: int64>",
        ),
        ('{"a": "x"}', "'a' holds string, before it held int64"),
    ],
)
def test_keys_and_types_that_come_late_are_refused(refused, late, why):
    line = '{"a": 1, "b": {"x": 1}}\n'
    text = line * 300_000 + late + "\n" + line * 10
    error = refused(text, "rows.ndjson")
    assert error.where.startswith("rows.ndjson, line 300001: ")
    assert why in error.where


def test_a_folder_without_tables_is_refused(tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    assert refusal(tmp_path).what == f"the folder '{tmp_path}' holds no .parquet file"


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        ({"a": [1]}, "lacks 'b'"),
        ({"a": [1], "b": ["x"], "c": [1]}, "adds 'c'"),
        ({"b": ["x"], "a": [1]}, "has its columns in another order"),
        ({"a": ["1"], "b": ["x"]}, "holds string in 'a', not int64"),
    ],
)
def test_files_of_a_folder_that_differ_are_refused_at_once(tmp_path, columns, what):
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "1.parquet")
    pq.write_table(pa.table(columns), tmp_path / "2.parquet")
    with pytest.raises(DataProblem) as caught:
        open_source(str(tmp_path), ReadOptions())
    assert caught.value.where == f"{tmp_path.name}/2.parquet: {what}"


def test_files_of_a_glob_are_of_one_format(tmp_path):
    (tmp_path / "a.csv").write_text("a\n1\n")
    (tmp_path / "b.ndjson").write_text('{"a": 1}\n')
    assert "more than one format" in refusal(tmp_path / "*").what


def test_a_pipe_is_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "rows.csv")
    error = refusal(tmp_path / "rows.csv")
    assert error.what.endswith("is not a regular file")
    assert "standard input" in error.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read all files")
def test_a_file_that_may_not_be_read_is_wrong_usage(tmp_path):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    (tmp_path / "rows.csv").chmod(0)
    assert "may not be read" in refusal(tmp_path / "rows.csv", UsageProblem).what


def test_values_are_shown_short_and_escaped(refused):
    error = refused("a,b\n1,2\n\x1b[31m" + "x" * 500 + "\n")
    value = error.where.removeprefix("rows.csv, line 3: ")
    assert value.startswith("'\\x1b[31mxxx")
    assert len(value) <= 62


def test_a_name_with_an_odd_path_is_refused_not_crashed():
    assert refusal("a\0b.csv", UsageProblem).what
    assert refusal("x" * 5000 + ".csv", UsageProblem).what
