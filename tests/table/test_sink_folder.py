from __future__ import annotations

import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.sink import WriteOptions, check_output, open_sink
from cbvae_cli.table.source import ReadOptions, open_source

PARTS = {"a/z.parquet": [1, 2], "b.parquet": [3], "empty.parquet": []}
SCHEMA = pa.schema([("n", pa.int64())])


def files(folder):
    return sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()
    )


@pytest.fixture
def folder(tmp_path):
    for name, cells in PARTS.items():
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"n": cells}, SCHEMA), path)
    return tmp_path / "in"


def copied(folder, out, **options):
    with open_source(str(folder), ReadOptions(batch_rows=1)) as source:
        sink = open_sink(
            str(out), source.schema, WriteOptions(**options), parts=source.parts
        )
        with sink:
            for batch in source.batches():
                sink.write(batch.rows, batch.part)


def interrupted(out):
    options = WriteOptions(force=True)
    with open_sink(str(out), SCHEMA, options, parts=["b"]) as sink:
        sink.write(pa.record_batch({"n": [1]}), "b")
        raise KeyboardInterrupt


@pytest.mark.parametrize("name", ["out", "out/"])
def test_parts_keep_their_names(folder, tmp_path, name):
    copied(folder, f"{tmp_path}/{name}")
    assert files(tmp_path / "out") == list(PARTS)
    for part, cells in PARTS.items():
        assert pq.read_table(tmp_path / "out" / part).column("n").to_pylist() == cells
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]


def test_parts_take_another_format(folder, tmp_path):
    copied(folder, f"{tmp_path}/out/", format="csv.gz")
    assert files(tmp_path / "out") == ["a/z.csv.gz", "b.csv.gz", "empty.csv.gz"]


def test_a_file_takes_the_rows_of_all_parts(folder, tmp_path):
    copied(folder, tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "n\n1\n2\n3\n"


def test_an_input_without_parts_fills_one_file(tmp_path):
    rows = pa.record_batch({"n": [1]})
    for kind, name in ((None, "part-0.parquet"), ("csv", "part-0.csv")):
        out = tmp_path / str(kind)
        options = WriteOptions(format=kind)
        with open_sink(f"{out}/", rows.schema, options, parts=[""]) as sink:
            sink.write(rows)
        assert files(out) == [name]


def test_a_folder_is_replaced_whole_or_not_at_all(folder, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    copied(folder, out)
    (out / "old.parquet").write_text("old")
    with pytest.raises(UsageProblem, match="exists already"):
        copied(folder, out)
    with pytest.raises(KeyboardInterrupt):
        interrupted(out)
    assert (out / "old.parquet").exists()
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]
    copied(folder, out, force=True)
    assert files(out) == list(PARTS)
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]


def test_a_folder_can_be_replaced_by_what_is_read_from_it(folder):
    copied(folder, folder, force=True)
    assert files(folder) == list(PARTS)


def test_a_folder_of_other_things_is_never_replaced(tmp_path):
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(UsageProblem, match="other things than tables") as caught:
        check_output(str(tmp_path), WriteOptions(force=True))
    assert caught.value.where == str(tmp_path / "thesis.docx")


def test_a_part_cannot_lead_out_of_the_folder(tmp_path):
    with pytest.raises(ValueError, match="out of the output folder"):
        with open_sink(f"{tmp_path}/out/", SCHEMA, WriteOptions()) as sink:
            sink.write(pa.record_batch({"n": [1]}), "../x.parquet")
    assert os.listdir(tmp_path) == []
