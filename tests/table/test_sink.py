from __future__ import annotations

import datetime
import io
import os
import sys
from decimal import Decimal
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.formats import FORMATS
from cbvae_cli.table.sink import WriteOptions, check_output, open_sink
from cbvae_cli.table.source import ReadOptions, open_source

ROWS = pa.record_batch({"a": [1, 2, 3], "b": ["x", "y", None]})


def written(path, rows, *, step=1000, **options):
    with open_sink(str(path), rows.schema, WriteOptions(**options)) as sink:
        for start in range(0, rows.num_rows, step):
            sink.write(rows.slice(start, step))
    return path


@pytest.fixture
def csv(tmp_path):
    """Write columns as CSV and give the text."""

    def text(columns, **options):
        rows = pa.record_batch(columns)
        path = written(tmp_path / "out.csv", rows, force=True, **options)
        return path.read_bytes().decode()

    return text


@pytest.fixture
def catch(monkeypatch):
    """Catch standard output from now on: pytest sets it anew before each test."""

    def caught():
        stream = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=stream))
        return stream

    return caught


def broken_off(path, error, **options):
    with open_sink(path, ROWS.schema, WriteOptions(**options)) as sink:
        sink.write(ROWS)
        raise error


def test_cells_are_quoted_only_where_they_must_be(csv):
    text = csv(
        {"a": ["x", "y,z", 'q"r', "l\nm", "", None, " s "], "b,c": list(range(7))}
    )
    assert text == ('a,"b,c"\nx,0\n"y,z",1\n"q""r",2\n"l\nm",3\n,4\n,5\n s ,6\n')


def test_quoting_does_not_depend_on_batches(csv):
    columns = {"a": ["x", "y,z", "w"], "b": ['"', "", "v"]}
    assert csv(columns, step=1) == csv(columns, step=3)


def test_numbers_get_their_shortest_digits(csv):
    text = csv(
        {
            "f": [0.1, 1e-7, float("nan"), float("inf"), None, 1 / 3],
            "g": pa.array([0.1, 1e-7, None, 2.5, 3, 1e30], pa.float32()),
            "i": [2**63 - 1, -(2**63), 0, 1, None, 3],
            "t": [True, False, None, True, True, True],
        }
    )
    assert text.splitlines()[1:] == [
        "0.1,0.1,9223372036854775807,true",
        "1e-7,1e-7,-9223372036854775808,false",
        ",,0,",
        "inf,2.5,1,true",
        ",3,,true",
        "0.3333333333333333,1e+30,3,true",
    ]


def test_moments_are_iso_8601(csv):
    noon = datetime.datetime(2020, 1, 2, 12, 0, 5)
    text = csv(
        {
            "s": pa.array([noon], pa.timestamp("ns")),
            "u": pa.array([noon.replace(microsecond=250_000)], pa.timestamp("us")),
            "p": pa.array([noon], pa.timestamp("us", "Europe/Paris")),
            "z": pa.array([noon], pa.timestamp("ms", "UTC")),
            "d": [noon.date()],
            "t": pa.array([noon.time()], pa.time32("s")),
        }
    )
    assert text.splitlines()[1] == (
        "2020-01-02T12:00:05,2020-01-02T12:00:05.250000,2020-01-02T13:00:05+01:00,"
        "2020-01-02T12:00:05Z,2020-01-02,12:00:05"
    )
    for cell in text.splitlines()[1].split(",")[:5]:
        datetime.datetime.fromisoformat(cell)


def test_other_types_have_text_too(csv):
    text = csv(
        {
            "d": pa.array(["x,y", None, "x,y"]).dictionary_encode(),
            "m": [Decimal("1.10"), None, Decimal("-2.00")],
            "l": [[1, 2], None, []],
            "o": [{"k": "é"}, None, {"k": None}],
            "v": pa.array(["a", None, "b"], pa.string_view()),
            "n": pa.nulls(3),
        }
    )
    assert text.splitlines()[1:] == [
        '"x,y",1.10,"[1, 2]","{""k"": ""é""}",a,',
        ",,,,,",
        '"x,y",-2.00,[],"{""k"": null}",b,',
    ]


def test_bytes_without_text_are_refused_by_column(tmp_path):
    rows = pa.record_batch({"a": [b"\xff"]})
    for name in ("x.csv", "x.ndjson"):
        with pytest.raises(DataProblem, match="column 'a' cannot be written as text"):
            written(tmp_path / name, rows)
    assert os.listdir(tmp_path) == []


def test_a_missing_cell_in_a_table_of_one_column_is_no_blank_line(csv):
    assert csv({"a": ["x", None, "", "y"]}) == 'a\nx\n""\n""\ny\n'
    assert csv({"": [1, None]}) == '""\n1\n""\n'


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_rows_give_the_same_bytes(tmp_path, ending):
    one, two = (written(tmp_path / f"{n}.{ending}", ROWS).read_bytes() for n in "ab")
    assert one == two


def test_no_time_is_in_gzip(tmp_path):
    data = written(tmp_path / "a.csv.gz", ROWS).read_bytes()
    assert data[3:8] == b"\0\0\0\0\0"


def test_json_lines_are_plain(tmp_path):
    moment = datetime.datetime(2020, 1, 2, 3, 4, 5)
    rows = pa.record_batch(
        {
            "f": [float("nan"), 1.5],
            "g": pa.array([0.1, None], pa.float32()),
            "t": ["é\n", None],
            "w": pa.array([moment, None], pa.timestamp("ns")),
            "m": [Decimal("1.10"), None],
            "o": [{"k": [1, None], "w": moment}, None],
            "d": pa.array(["x", "x"]).dictionary_encode(),
        }
    )
    assert written(tmp_path / "a.ndjson", rows).read_text().splitlines() == [
        '{"f": null, "g": 0.1, "t": "é\\n", "w": "2020-01-02T03:04:05", "m": "1.10", '
        '"o": {"k": [1, null], "w": "2020-01-02T03:04:05"}, "d": "x"}',
        '{"f": 1.5, "g": null, "t": null, "w": null, "m": null, "o": null, "d": "x"}',
    ]


def test_infinity_has_no_json(tmp_path):
    rows = pa.record_batch({"a": [1.0], "b": [float("inf")]})
    with pytest.raises(DataProblem, match="column 'b' holds a value"):
        written(tmp_path / "a.ndjson", rows)


def test_parquet_rows_are_gathered_into_large_groups(tmp_path):
    rows = pa.record_batch({"a": list(range(1000))})
    path = written(tmp_path / "a.parquet", rows, step=10)
    assert pq.ParquetFile(path).num_row_groups == 1


@pytest.mark.parametrize("ending", FORMATS)
def test_a_table_without_rows_has_its_columns(tmp_path, ending, rows_of):
    if ending == "ndjson":
        pytest.skip("JSON lines name columns in their rows only")
    path = written(tmp_path / f"a.{ending}", ROWS.slice(0, 0))
    with open_source(str(path), ReadOptions(), allow_empty=True) as source:
        assert source.names == ["a", "b"]
        assert list(source.batches()) == []


def test_an_old_file_is_kept_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("old")
    with open_sink(str(path), ROWS.schema, WriteOptions(force=True)) as sink:
        sink.write(ROWS)
        assert path.read_text() == "old"
        assert f".a.csv.{os.getpid()}.part" in os.listdir(tmp_path)
    assert path.read_text() == "a,b\n1,x\n2,y\n3,\n"
    assert os.listdir(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("ending", FORMATS)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_run_harms_nothing(tmp_path, ending, error):
    path = tmp_path / f"a.{ending}"
    path.write_text("old")
    with pytest.raises(error):
        broken_off(str(path), error, force=True)
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [path.name]


def test_a_file_can_be_replaced_by_what_is_read_from_it(tmp_path, rows_of):
    path = written(tmp_path / "a.csv", ROWS)
    with (
        open_source(str(path), ReadOptions(batch_rows=1)) as source,
        open_sink(str(path), source.schema, WriteOptions(force=True)) as sink,
    ):
        for batch in source.batches():
            sink.write(batch.rows)
    assert path.read_text() == "a,b\n1,x\n2,y\n3,\n"


def test_a_link_is_followed(tmp_path):
    (tmp_path / "real").mkdir()
    written(tmp_path / "real/a.csv", ROWS.slice(0, 1))
    (tmp_path / "link.csv").symlink_to(tmp_path / "real/a.csv")
    written(tmp_path / "link.csv", ROWS, force=True)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real/a.csv").read_text().count("\n") == 4


@pytest.mark.parametrize("path", [None, "-"])
def test_standard_output_carries_csv_unless_told_otherwise(catch, path):
    stdout = catch()
    with open_sink(path, ROWS.schema, WriteOptions()) as sink:
        sink.write(ROWS)
    assert stdout.getvalue() == b"a,b\n1,x\n2,y\n3,\n"
    assert not stdout.closed


@pytest.mark.parametrize("ending", FORMATS)
def test_standard_output_takes_every_format(catch, ending, stdin, rows_of):
    stdout = catch()
    with open_sink(None, ROWS.schema, WriteOptions(format=ending)) as sink:
        sink.write(ROWS)
    stdin(stdout.getvalue())
    assert rows_of("-", format=ending).column("a").to_pylist() in (
        [1, 2, 3],
        ["1", "2", "3"],
    )


@pytest.mark.parametrize("ending", ["parquet", "arrow", "csv.gz", "csv.zst"])
def test_a_failed_run_does_not_look_whole_on_standard_output(catch, ending, rows_of):
    whole = catch()
    with open_sink(None, ROWS.schema, WriteOptions(format=ending)) as sink:
        sink.write(ROWS)
    broken = catch()
    with pytest.raises(KeyError):
        broken_off(None, KeyError, format=ending)
    assert whole.getvalue().startswith(broken.getvalue())
    assert len(broken.getvalue()) < len(whole.getvalue())


@pytest.mark.parametrize("ending", FORMATS)
def test_a_reader_that_goes_away_is_a_broken_pipe(monkeypatch, ending):
    read, write = os.pipe()
    os.close(read)
    stream = open(write, "wb", buffering=0)
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=stream))
    with pytest.raises(BrokenPipeError):
        with open_sink(None, ROWS.schema, WriteOptions(format=ending)) as sink:
            sink.write(ROWS)
    stream.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("ending", FORMATS)
def test_a_full_disk_is_told_in_a_sentence(ending):
    rows = pa.record_batch({"a": [os.urandom(9).hex() for _ in range(20_000)]})
    with pytest.raises(UsageProblem, match="cannot be written: No space left"):
        written("/dev/full", rows, format=ending)


def test_a_device_is_written_to_as_it_is():
    written("/dev/null", ROWS)
    assert not os.path.isfile("/dev/null")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("old.csv", "exists already"),
        ("none/a.csv", "there is no folder"),
        ("a.txt", "names no table format"),
        ("a", "names no table format"),
        ("full/", "exists already"),
        ("full", "exists already"),
        ("old.csv/", "is a file, not a folder"),
        ("old.csv/a.csv", "there is no folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused_at_once(tmp_path, name, what):
    (tmp_path / "old.csv").write_text("old")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/a.parquet").write_text("old")
    path = f"{tmp_path}/{name}"
    for ask in (check_output, lambda p, o: open_sink(p, ROWS.schema, o)):
        with pytest.raises(UsageProblem, match=what) as caught:
            ask(path, WriteOptions())
        assert caught.value.exit_code == 2
    assert sorted(os.listdir(tmp_path)) == ["full", "old.csv"]


def test_an_unknown_format_is_refused():
    with pytest.raises(UsageProblem, match="--out-format 'xlsx' is not"):
        check_output(None, WriteOptions(format="xlsx"))


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UsageProblem, match="may not be written to"):
        check_output(str(tmp_path / "a.csv"), WriteOptions())


def test_rows_of_another_schema_are_our_own_fault(tmp_path):
    with pytest.raises(ValueError, match="schema"):
        with open_sink(str(tmp_path / "a.csv"), ROWS.schema, WriteOptions()) as sink:
            sink.write(ROWS.select(["a"]))
