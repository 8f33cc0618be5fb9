"""Killed runs: what was there stays, and the next run cleans up and goes on."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cbvae_cli.bundle.container import write_bundle
from cbvae_cli.report.machine import emit
from cbvae_cli.table import passing
from cbvae_cli.table.sink import WriteOptions, open_sink
from tests.faults import kills

SCRIPT = Path(__file__).with_name("kills.py")
ROWS = pa.record_batch({"a": [1, 2, 3]})

# Kills itself at the first call of a function, given as `module:name`.
KILLED = """
import os, signal, sys
from importlib import import_module

def die(*given, **more):
    os.kill(os.getpid(), signal.SIGKILL)

module, _, name = sys.argv[1].partition(":")
setattr(import_module(module), name, die)
{before}
import pyarrow as pa
from cbvae_cli.bundle.container import write_bundle
from cbvae_cli.cli.app import main
from cbvae_cli.report.machine import emit
from cbvae_cli.table.sink import WriteOptions, open_sink

target = sys.argv[2]
if target.endswith(".cbvae"):
    write_bundle(target, {{"program": {{}}}}, {{}}, "new", force=True)
elif target.endswith(".json"):
    emit({{"rows": 3}}, "score", target)
else:
    rows = pa.record_batch({{"a": [1, 2, 3]}})
    with open_sink(target, rows.schema, WriteOptions(force=True)) as sink:
        sink.write(rows)
"""


def killed(module_and_name, target, before=""):
    argv = [sys.executable, "-c", KILLED.format(before=before), module_and_name]
    done = subprocess.run([*argv, str(target)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


def write_rows(target):
    with open_sink(str(target), ROWS.schema, WriteOptions(force=True)) as sink:
        sink.write(ROWS)


def put_old_folder(target):
    target.mkdir()
    pq.write_table(pa.table({"a": ["old"]}), target / "old.parquet")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the script forks")
def test_random_kills_lose_nothing_and_leave_nothing():
    argv = [sys.executable, str(SCRIPT), "--kills", "10", "--seed", "3"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["in all"] >= 10
    assert told["lost"] == 0
    assert told["debris"] == told["differences"] == told["failures"] == []


ONE, TWO, THREE = (f"models/000{n}.cbvae" for n in (1, 2, 3))
OLD, NEW = {ONE: b"old"}, {ONE: b"old", TWO: b"new"}
AFTER = {
    "as it was": (OLD, OLD, NEW, 0),
    "as it should be": (NEW, OLD, NEW, 0),
    "the same bundle twice": ({**NEW, THREE: b"new"}, OLD, NEW, 0),
    "half a bundle more": ({**NEW, THREE: b"ne"}, OLD, NEW, 3),
    "the old bundle gone": ({TWO: b"new"}, OLD, NEW, 3),
    "the old bundle changed": ({**NEW, ONE: b"new"}, OLD, NEW, 3),
    "a new file that is not whole": ({"r": b"ne"}, {}, {"r": b"new"}, 3),
    "an old file gone": ({}, {"r": b"old!"}, {"r": b"new"}, 4),
    "another file beside": ({"r": b"new", "q": b"?"}, {}, {"r": b"new"}, 0),
    "half a folder": ({"o/a": b"a"}, {}, {"o/a": b"a", "o/b": b"b"}, 2),
    "hidden debris": ({"r": b"new", ".r.1.part": b"n"}, {}, {"r": b"new"}, 0),
}


@pytest.mark.parametrize(("now", "old", "new", "lost"), AFTER.values(), ids=AFTER)
def test_lost_bytes_are_counted(now, old, new, lost):
    assert kills.lost_bytes(now, old, new) == lost


def write_model(target):
    write_bundle(target, {"program": {}}, {}, "", force=True)


def write_summary(target):
    emit({}, "score", str(target))


WRITERS = {
    "rows.csv": write_rows,
    "rows.parquet": write_rows,
    "m.cbvae": write_model,
    "s.json": write_summary,
}


@pytest.mark.parametrize("moment", ["os:replace", "os:fsync"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_file_stays_and_the_next_run_cleans_up(tmp_path, names, moment, name):
    target = tmp_path / name
    old = b'{"schema": 1}'  # `--json` replaces nothing but a summary
    target.write_bytes(old)
    killed(moment, target)
    assert target.read_bytes() == old
    assert len(names(tmp_path)) == 2
    WRITERS[name](target)
    assert names(tmp_path) == [name]
    assert target.read_bytes() != old


@pytest.mark.parametrize("moment", ["shutil:rmtree", "os:fsync"])
def test_a_folder_is_the_old_or_the_new_one(tmp_path, names, moment):
    target = tmp_path / "out"
    put_old_folder(target)
    killed(moment, target)
    assert names(target) in (["old.parquet"], ["part-0.parquet"])
    assert len(names(tmp_path)) == 2
    write_rows(target)
    assert names(tmp_path) == ["out"]
    assert names(target) == ["part-0.parquet"]


# Systems that cannot swap two names in one step.
NO_SWAP = """
from cbvae_cli.table import aside
aside.exchanged = lambda one, other: False
rename = os.rename
def once(one, other):
    rename(one, other)
    die()
os.rename = once
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux swaps two names at once")
def test_a_folder_is_replaced_in_one_step(tmp_path, names):
    target = tmp_path / "out"
    put_old_folder(target)
    # No moment at which there is no folder: nothing is renamed after the other.
    code = KILLED.format(before="")
    argv = [sys.executable, "-c", code, "os:rename", str(target)]
    assert subprocess.run(argv, capture_output=True).returncode == 0
    assert names(target) == ["part-0.parquet"]


def test_an_old_folder_that_was_moved_aside_comes_back(tmp_path, names):
    target = tmp_path / "out"
    put_old_folder(target)
    killed("shutil:rmtree", target, NO_SWAP)
    assert not target.exists()
    passing.sweep(target)
    assert names(tmp_path) == ["out"]
    assert names(target) == ["old.parquet"]


def test_what_a_run_is_writing_is_not_swept(tmp_path, names):
    target = tmp_path / "rows.csv"
    with open_sink(str(target), ROWS.schema, WriteOptions()) as first:
        first.write(ROWS)
        write_rows(target)
        target.write_text("older")
    assert target.read_text() == "a\n1\n2\n3\n"
    assert names(tmp_path) == ["rows.csv"]


def test_only_our_own_leftovers_are_swept(tmp_path, names):
    foreign = [".rows.csv.part", ".rows.csv.12x.part", ".other.csv.12.part", "12.part"]
    for name in foreign:
        (tmp_path / name).write_text("theirs")
    link = tmp_path / ".rows.csv.13.part"
    link.symlink_to(tmp_path / "12.part")
    (tmp_path / ".rows.csv.12.part").write_text("ours")
    write_rows(tmp_path / "rows.csv")
    assert names(tmp_path) == sorted([*foreign, link.name, "rows.csv"])


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    target = tmp_path / "rows.csv"
    target.write_text("secret")
    target.chmod(0o600)
    write_rows(target)
    assert target.stat().st_mode & 0o777 == 0o600
