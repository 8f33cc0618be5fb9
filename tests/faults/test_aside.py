"""Guards of what is written aside: races, links, other runs' files, power cuts."""

from __future__ import annotations

import os
import stat

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbvae_cli.bundle.container import write_bundle
from cbvae_cli.table import aside, passing
from cbvae_cli.table.sink import WriteOptions, open_sink

ROWS = pa.record_batch({"a": [1, 2, 3]})


def write_rows(target):
    with open_sink(str(target), ROWS.schema, WriteOptions(force=True)) as sink:
        sink.write(ROWS)


def write_model(target):
    write_bundle(target, {"program": {}}, {}, "", force=True)


def write_new_model(target):
    write_bundle(target, {"program": {}}, {}, "", force=False)


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (write_rows, "rows.csv"),
        (write_rows, "out/"),
        (write_model, "m.cbvae"),
        (write_new_model, "m.cbvae"),
    ],
)
def test_bytes_and_then_the_name_outlast_a_power_cut(
    tmp_path, monkeypatch, write, name
):
    sync, synced = os.fsync, []

    def noted(handle):
        synced.append(os.fstat(handle))
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    write(f"{tmp_path}/{name}")
    first, *_, last = synced
    assert stat.S_ISREG(first.st_mode)
    assert os.path.samestat(last, os.stat(tmp_path))


def test_a_link_to_a_folder_is_followed(tmp_path, names):
    (tmp_path / "real").mkdir()
    pq.write_table(pa.table({"a": ["old"]}), tmp_path / "real" / "old.parquet")
    (tmp_path / "out").symlink_to("real")
    write_rows(f"{tmp_path}/out/")
    assert (tmp_path / "out").is_symlink()
    assert names(tmp_path) == ["out", "real"]
    assert names(tmp_path / "real") == ["part-0.parquet"]


def test_an_old_folder_comes_back_where_the_new_one_cannot_go(
    tmp_path, names, monkeypatch
):
    target = tmp_path / "out"
    target.mkdir()
    (target / "old").write_text("old")
    monkeypatch.setattr(aside, "exchanged", lambda one, other: False)
    rename = os.rename

    def refusing(one, other):
        if str(one).endswith(".part"):
            raise OSError(5, "Input/output error")
        rename(one, other)

    monkeypatch.setattr(os, "rename", refusing)
    folder = aside.AsideFolder(target)
    with pytest.raises(OSError, match="Input"):
        folder.commit()
    folder.abort()
    assert names(tmp_path) == ["out"]
    assert names(target) == ["old"]


def test_two_writers_in_one_process_have_a_file_each(tmp_path):
    one = passing.new_file(tmp_path / "r")
    one[0].write(b"one")
    one[0].flush()
    other = passing.new_file(tmp_path / "r")
    other[0].write(b"other")
    assert one[1] != other[1]
    for file, _part, held in (one, other):
        file.close()
        held.release()
    assert (one[1].read_bytes(), other[1].read_bytes()) == (b"one", b"other")


@pytest.mark.parametrize("make", [passing.new_file, passing.new_folder])
def test_what_another_run_sweeps_before_it_is_locked_is_made_anew(
    tmp_path, monkeypatch, make
):
    lock, swept = passing.lock, []

    def late(handle):
        for name in [] if swept else os.listdir(tmp_path):
            swept.append(name)
            path = tmp_path / name
            path.rmdir() if path.is_dir() else path.unlink()
        lock(handle)

    monkeypatch.setattr(passing, "lock", late)
    *file, part, held = make(tmp_path / "r")
    assert swept
    assert part.exists()
    held.release()
    for each in file:
        each.close()


@pytest.mark.parametrize("name", [".r.12.part.bak", ".r.12.parts", "x.r.12.part"])
def test_names_that_only_begin_like_ours_are_let_be(tmp_path, names, name):
    (tmp_path / name).write_text("theirs")
    passing.sweep(tmp_path / "r")
    assert names(tmp_path) == [name]
