from __future__ import annotations

import gzip
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbvae_cli.table.source import ReadOptions, open_source


def read_csv(path, text, rows_of, **options):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return rows_of(path, **options).to_pydict()


@pytest.fixture
def csv(tmp_path, rows_of):
    return lambda text, **options: read_csv(
        tmp_path / "rows.csv", text, rows_of, **options
    )


def test_cells_of_csv_are_their_unquoted_text(csv):
    table = csv('a,b\n001,1.10\n"x, ""y""",\nNone,NA\n')
    assert table == {"a": ["001", 'x, "y"', "None"], "b": ["1.10", "", "NA"]}


@pytest.mark.parametrize(
    "text",
    [
        "a,b\r\n1,2\r\n3,4\r\n",
        "a,b\r1,2\r3,4",
        "\ufeffa,b\n1,2\n\n3,4\n\n",
        '\n\n"a",b\n1,2\n3,"4"',
    ],
)
def test_line_ends_marks_and_blank_lines_are_no_cells(csv, text):
    assert csv(text) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_a_table_of_one_column_keeps_blank_lines(csv):
    assert csv("a\n1\n\n2\n") == {"a": ["1", "", "2"]}
    assert csv('a\r\n1\r\n\r\n""\r\n') == {"a": ["1", "", ""]}


def test_names_are_kept_as_they_are(csv):
    assert csv(',"x,\ny", z\n1,2,3\n') == {"": ["1"], "x,\ny": ["2"], " z": ["3"]}


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "cp1252", "utf-8-sig"])
def test_other_encodings_are_read(csv, encoding):
    text = "name,b\nZoë,1\n" * 1
    assert csv(text.encode(encoding), encoding=encoding) == {
        "name": ["Zoë"],
        "b": ["1"],
    }


@pytest.mark.parametrize("mark", [";", "\t", "\\t", "|"])
def test_other_delimiters_are_read(csv, mark):
    text = "a,b\n1,2\n".replace(",", "\t" if mark == "\\t" else mark)
    assert csv(text, delimiter=mark) == {"a": ["1"], "b": ["2"]}


def test_packed_csv_is_read(tmp_path, rows_of):
    packed = gzip.compress(b"a,b\n1,2\n") + gzip.compress(b"3,4\n")
    (tmp_path / "rows.csv.gz").write_bytes(packed)
    assert rows_of(tmp_path / "rows.csv.gz").to_pydict() == {
        "a": ["1", "3"],
        "b": ["2", "4"],
    }
    (tmp_path / "rows.CSV.zst").write_bytes(
        pa.compress(b"a,b\n1,2\n", "zstd", asbytes=True)
    )
    assert rows_of(tmp_path / "rows.CSV.zst").to_pydict() == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize("size", [1, 2, 7, 100])
@pytest.mark.parametrize("ending", ["csv", "parquet", "arrow", "ndjson"])
def test_batches_hold_the_wanted_rows_in_order(tmp_path, make_table, ending, size):
    path = make_table(tmp_path / f"rows.{ending}", 23)
    options = ReadOptions(batch_rows=size)
    with open_source(str(path), options) as source:
        batches = list(source.batches())
    assert [batch.rows.num_rows for batch in batches[:-1]] == [size] * (
        len(batches) - 1
    )
    assert [batch.start for batch in batches] == list(range(0, 23, size))
    cells = [str(v) for b in batches for v in b.rows.column("n").to_pylist()]
    assert cells == [str(n) for n in range(23)]


@pytest.mark.parametrize(
    "ending", ["csv", "csv.gz", "csv.zst", "parquet", "arrow", "ndjson"]
)
def test_a_file_can_be_read_twice(tmp_path, make_table, ending):
    path = make_table(tmp_path / f"rows.{ending}", 9)
    with open_source(str(path), ReadOptions(batch_rows=4)) as source:
        first, second = ([b.rows for b in source.batches()] for _ in range(2))
        assert source.consumed() == 1.0
    assert first == second
    assert source.size == path.stat().st_size
    assert source.parts == [""]
    assert source.name == path.name
    assert source.text == ending.startswith("csv")


@pytest.mark.parametrize("reread", [False, True])
@pytest.mark.parametrize("ending", ["csv", "csv.gz", "parquet", "arrow", "ndjson"])
def test_standard_input_is_read_and_spooled(
    tmp_path, make_table, stdin, ending, reread
):
    path = make_table(tmp_path / f"rows.{ending}", 5)
    stream = stdin(path.read_bytes())
    options = ReadOptions(format=ending)
    with open_source("-", options, reread=reread) as source:
        assert source.name == "standard input"
        passes = [list(source.batches()) for _ in range(2 if reread else 1)]
        assert all(b[0].rows.num_rows == 5 for b in passes)
        if reread:
            assert source.size == path.stat().st_size
        elif not source.rereadable:
            with pytest.raises(RuntimeError, match="reread"):
                next(source.batches())
    assert not stream.closed


def test_standard_input_is_csv_unless_told_otherwise(stdin):
    stdin(b"a,b\n1,2\n")
    with open_source("-", ReadOptions()) as source:
        assert source.names == ["a", "b"]
        assert source.consumed() is None


@pytest.mark.parametrize("seekable", [True, False])
def test_arrow_files_are_told_from_streams(tmp_path, rows_of, stdin, seekable):
    table = pa.table({"a": [1, 2, 3]})
    path = tmp_path / "rows.arrow"
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table)
    if not seekable:
        stdin(path.read_bytes())
    found = rows_of(path) if seekable else rows_of("-", format="arrow")
    assert found == table


def test_a_folder_is_read_file_by_file_in_order(tmp_path):
    for name, cells in (("b.parquet", [3]), ("a/z.parquet", [1, 2]), ("c.parquet", [])):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"n": pa.array(cells, pa.int64())}), tmp_path / name)
    for name in (".hidden.parquet", "_metadata", "notes.txt"):
        (tmp_path / name).write_text("x")
    with open_source(str(tmp_path), ReadOptions()) as source:
        assert source.parts == ["a/z.parquet", "b.parquet", "c.parquet"]
        found = [(b.part, b.start, b.rows.num_rows) for b in source.batches()]
        last = list(source.batches())[-1]
        place = source.where(last, 0)
    assert found == [("a/z.parquet", 0, 2), ("b.parquet", 2, 1)]
    assert place == f"{tmp_path.name}/b.parquet, row 1"


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_glob_is_read_file_by_file(tmp_path, make_table, ending):
    for name in "ba":
        make_table(tmp_path / f"part-{name}.{ending}", 2)
    make_table(tmp_path / f"other.{ending}", 2)
    pattern = str(tmp_path / f"part-*.{ending}")
    with open_source(pattern, ReadOptions()) as source:
        found = [(b.part, b.start) for b in source.batches()]
        assert source.consumed() == 1.0
    assert found == [(f"part-a.{ending}", 0), (f"part-b.{ending}", 2)]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path, rows_of):
    (tmp_path / "rows[1].csv").write_text("a,b\n1,2\n")
    assert rows_of(tmp_path / "rows[1].csv").num_rows == 1


def test_lines_count_what_an_editor_counts(tmp_path):
    text = 'a,b\n1,"x\ny\n\nz"\n\n\n2,""\n3,"\r\n"\r\n4,c" d\n\n5,6\n'
    path = tmp_path / "rows.csv"
    path.write_bytes(text.encode())
    wanted = [2, 8, 9, 11, 13]
    for size in (1, 2, 5):
        with open_source(str(path), ReadOptions(batch_rows=size)) as source:
            found = [
                source.where(batch, row)
                for batch in source.batches()
                for row in range(batch.rows.num_rows)
            ]
        assert found == [f"rows.csv, line {line}" for line in wanted]


def test_lines_are_right_far_into_a_file(tmp_path):
    # Several blocks: each row takes two lines, and quotes are stray in some.
    row = '1,"x\n' + "y" * 400 + '",5" pipe\n'
    path = tmp_path / "rows.csv"
    path.write_text("a,b,c\n" + row * 20_000)
    with open_source(str(path), ReadOptions(batch_rows=6000)) as source:
        for batch in source.batches():
            last = batch.rows.num_rows - 1
            assert source.where(batch, last) == (
                f"rows.csv, line {2 + 2 * (batch.start + last)}"
            )
        assert batch.start + last == 19_999


def test_wide_rows_are_read(tmp_path, rows_of):
    width = 12_000
    lines = [",".join(f"{kind}{n}" for n in range(width)) for kind in "cxyz"]
    (tmp_path / "rows.csv").write_text("\n".join(lines))
    table = rows_of(tmp_path / "rows.csv")
    assert table.shape == (3, width)
    assert table.column("c11999").to_pylist() == ["x11999", "y11999", "z11999"]


def test_a_cell_of_many_megabytes_is_read(tmp_path, rows_of):
    (tmp_path / "rows.csv").write_text('a,b\n1,"' + "x\n" * 4_000_000 + '"\n3,4\n')
    table = rows_of(tmp_path / "rows.csv")
    assert table.column("a").to_pylist() == ["1", "3"]


def test_words_are_missing_as_the_options_say(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\nNA,\nNone,x\n-,y\n")

    def missing(lenient=False, **options):
        with open_source(str(tmp_path / "rows.csv"), ReadOptions(**options)) as source:
            (batch,) = source.batches()
            column = batch.rows.column("a")
            return source.missing(column, lenient=lenient).tolist()

    assert missing() == [True, False, False]
    assert missing(lenient=True) == [True, True, False]
    assert missing(nulls=("-",)) == [True, False, True]
    assert missing(lenient=True, default_nulls=False) == [False, False, False]
    assert missing(nulls=("-",), default_nulls=False) == [False, False, True]


def test_a_typed_file_says_null_where_it_means_it(tmp_path):
    pq.write_table(pa.table({"a": ["NA", None, "", "-"]}), tmp_path / "rows.parquet")
    options = ReadOptions(nulls=("-",))
    with open_source(str(tmp_path / "rows.parquet"), options) as source:
        (batch,) = source.batches()
        found = source.missing(batch.rows.column("a"), lenient=True)
    assert found.tolist() == [False, True, False, True]


def test_an_empty_table_is_read_where_that_is_allowed(tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n")
    path = str(tmp_path / "rows.csv")
    with open_source(path, ReadOptions(), allow_empty=True) as source:
        assert list(source.batches()) == []
        assert source.names == ["a", "b"]


def test_nothing_stays_open(tmp_path, make_table):
    path = make_table(tmp_path / "rows.csv", 5)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc") else 0
    with open_source(str(path), ReadOptions(batch_rows=1)) as source:
        next(source.batches())
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc") else 0
    assert after == before
