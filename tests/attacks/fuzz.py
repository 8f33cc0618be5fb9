"""Generated tables, columns and manifests: nothing but our own problems comes out.

By hand: `python tests/attacks/fuzz.py --cases 100000 --seed 1`. A small share of it is
a test (`test_fuzz.py`). Of the cases that end otherwise, the first at each place of the
code is shown.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import io
import json
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from cbvae_cli.bundle.container import read_bundle
from cbvae_cli.bundle.layout import CARD, MANIFEST, WEIGHTS, write_archive
from cbvae_cli.bundle.manifest import seal
from cbvae_cli.bundle.model import open_model
from cbvae_cli.cli.inspect import inspect
from cbvae_cli.errors import CBVAEError
from cbvae_cli.records import Columns
from cbvae_cli.table.infer import infer
from cbvae_cli.table.nulls import DEFAULT_NULLS, LENIENT_NULLS, missing_mask
from cbvae_cli.table.scan import ColumnScan
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.fit import SCALES
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for

SHARES = {"tables": 0.5, "columns": 0.455, "manifests": 0.04, "bundles": 0.005}
CPU = torch.device("cpu")

# What cells look like that have broken readers before, and some that must not.
WORDS = ["", "0", "1", "-0", "1.5", "1e400", "1e-400", "inf", "-Infinity", "nan", "NA"]
WORDS += ["None", "null", "true", "FALSE", "yes", "1,5", "1.234,5", "1_0", "0x1f", "٣"]
WORDS += [
    "2024-02-30",
    "2024-01-05",
    "31/12/2024",
    "12:61",
    "2024-01-05T08:30:00+99:99",
]
WORDS += [
    "9" * 25,
    "99999-01-01",
    "0000-00-00",
    "=1+1",
    "\x1b[2J",
    "\u202e",
    "é",
    " x ",
]
WORDS += ["1969-12-31 23:59:59.999999999", "1e5", "+5", "5.", ".5", "1 000", "%d", "y"]
cells = st.sampled_from(WORDS) | st.text(max_size=5)
names = st.sampled_from(["a", "b", "y", "id", ""]) | st.text(max_size=3)
BITS = b'a|1|,|;|\n|\r|"|\0|\xff|\xef\xbb\xbf|y\n|""|{}|{"y":|[|null|1e999|\\ud800|\t'
raw = st.sampled_from(BITS.split(b"|"))


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, bytes, dict[str, Any]]:
    """Give the ending, bytes and reading options of a table."""
    ending = draw(st.sampled_from(["csv", "csv", "ndjson", "parquet", "arrow"]))
    if draw(st.integers(0, 3)):
        body = draw(_WRITERS[ending])
    else:
        body = b"".join(draw(st.lists(raw, max_size=30)))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        at = draw(st.integers(0, len(body)))
        cut = draw(st.integers(0, 4))
        body = body[:at] + draw(st.binary(max_size=4) | raw) + body[at + cut :]
    options = {
        "batch_rows": draw(st.sampled_from([1, 3, 100])),
        "default_nulls": draw(st.booleans()),
        "nulls": tuple(draw(st.lists(cells, max_size=1))),
        "delimiter": draw(st.sampled_from(4 * [","] + [";", "\t"])),
        "encoding": draw(st.sampled_from(20 * ["utf-8"] + ["latin-1", "utf-16"])),
    }
    return ending, body, options


@st.composite
def csv_bytes(draw: st.DrawFn) -> bytes:
    """Give text that is nearly a table."""
    width = draw(st.integers(1, 4))
    quoted = st.builds(lambda c: '"' + c.replace('"', '""') + '"', cells)
    row = st.lists(cells | quoted, min_size=width, max_size=width)
    rows = draw(st.lists(row, min_size=draw(st.sampled_from([0, 3])), max_size=6))
    head = draw(st.lists(names, min_size=width - 1, max_size=width - 1))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = [",".join([*head, "y"]), *(",".join(each) for each in rows)]
    return end.join(lines).encode("utf-8", "surrogatepass")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | cells,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2)
    ),
    max_leaves=4,
)


@st.composite
def ndjson_bytes(draw: st.DrawFn) -> bytes:
    """Give lines that are nearly all objects."""
    rows = draw(st.lists(st.dictionaries(names, values, max_size=4), max_size=5))
    return "\n".join(map(json.dumps, rows)).encode()


KINDS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.int8(), st.integers(-128, 127)),
    (pa.uint64(), st.integers(0, 2**64 - 1)),
    (pa.float16(), st.floats(width=16).map(np.float16)),
    (pa.float64(), st.floats()),
    (pa.bool_(), st.booleans()),
    (pa.string(), cells.filter(str.isprintable)),
    (pa.large_string(), cells.filter(str.isprintable)),
    (pa.string_view(), cells.filter(str.isprintable)),
    (pa.binary(), st.binary(max_size=3)),
    (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(["p", "q"])),
    (pa.decimal128(38, 10), st.decimals(-(10**20), 10**20, places=9)),
    (pa.decimal256(60, 0), st.integers(-(10**50), 10**50)),
    (pa.date32(), st.dates()),
    (pa.date64(), st.dates()),
    (pa.time32("s"), st.times().map(lambda t: t.replace(microsecond=0))),
    (pa.timestamp("ns"), st.integers(-(2**63) + 1, 2**63 - 1)),
    (pa.timestamp("s", "UTC"), st.integers(-(2**63) + 1, 2**63 - 1)),
    (pa.duration("us"), st.integers(-(2**63) + 1, 2**63 - 1)),
    (pa.list_(pa.int64()), st.lists(st.integers(0, 9), max_size=2)),
    (pa.struct([("k", pa.int8())]), st.fixed_dictionaries({"k": st.integers(0, 9)})),
    (pa.map_(pa.string(), pa.int8()), st.just([("k", 1)])),
    (pa.null(), st.none()),
]


@st.composite
def columns(draw: st.DrawFn, rows: int | None = None) -> pa.Array:
    """Give the cells of a column of any type."""
    kind, each = draw(st.sampled_from(KINDS))
    least, most = (1, 12) if rows is None else (rows, rows)
    found = draw(st.lists(st.none() | each, min_size=least, max_size=most))
    return pa.array(found, kind)


@st.composite
def typed_tables(draw: st.DrawFn) -> pa.Table:
    """Give a table of any types with a column `y`."""
    rows = draw(st.integers(1, 12))
    label = pa.array(["pq"[n % 2] for n in range(rows)])
    label = draw(st.just(label) | columns(rows))
    other = draw(names.filter(len)) + "_"
    return pa.table({"a": draw(columns(rows)), other: draw(columns(rows)), "y": label})


def parquet_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with contextlib.suppress(pa.ArrowException):  # of types that it lacks
        pq.write_table(table, sink)
    return sink.getvalue()


def arrow_of(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


_WRITERS = {
    "csv": csv_bytes(),
    "ndjson": ndjson_bytes(),
    "parquet": typed_tables().map(parquet_of),
    "arrow": typed_tables().map(arrow_of),
}


def read(
    folder: Path, seen: Counter[str], case: tuple[str, bytes, dict[str, Any]]
) -> None:
    """Read a table as training does, up to its fitted schema."""
    ending, body, options = case
    path = folder / f"rows.{ending}"
    path.write_bytes(body)
    with refusals(seen), open_source(str(path), ReadOptions(**options)) as source:
        schema, _ = find_schema(source, Columns("y", drop_unlabelled=True))
        keep = thinning_for(schema, None)
        read_table(source, schema, SCALES["quantile"], keep)


def look(seen: Counter[str], case: tuple[pa.Array, bool, str | None]) -> None:
    """Decide what a column is, from all its cells."""
    array, typed, override = case
    scan = ColumnScan("a", array.type, typed)
    with refusals(seen):
        half = len(array) // 2
        for part in (array[:half], array[half:]):
            scan.see(
                part,
                missing_mask(part, DEFAULT_NULLS),
                missing_mask(part, LENIENT_NULLS),
            )
        infer(scan, override)


odd = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(-1e9, 1e9)
    | st.text(max_size=3)
)
odd |= st.just([]) | st.just({}) | st.lists(st.integers(-2, 9), max_size=2)
odd |= st.sampled_from([2**31, 2**63, -1, "cbvae", "\x1b[2J", {"a": 1}])


@st.composite
def manifests(draw: st.DrawFn, sound: dict[str, Any]) -> dict[str, Any]:
    """Give a manifest with one to three entries changed, lost or added."""
    found = copy.deepcopy(sound)
    for _ in range(draw(st.integers(1, 3))):
        place: Any = found
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            deeper = isinstance(place[key], dict | list) and place[key]
            if deeper and draw(st.integers(0, 3)):
                place = place[key]
                continue
            change = draw(st.integers(0, 3))
            if change == 0:
                del place[key]
            elif change == 1 and isinstance(place, dict):
                place[draw(names)] = draw(odd)
            else:
                place[key] = draw(odd)
            break
    return found


def read_all(
    path: Path, parts: dict[str, Any], seen: Counter[str], case: dict[str, Any]
) -> None:
    """Seal a manifest, and read the bundle."""
    kept = {key: parts["added"][key] for key in ("format", "tensors", "card_sha256")}
    with refusals(seen):
        body = seal(case, kept)
        with path.open("wb") as file:
            entries = {MANIFEST: body, WEIGHTS: parts[WEIGHTS], CARD: parts[CARD]}
            write_archive(file, entries)
        read_bundle(path)


def open_all(
    path: Path, parts: dict[str, Any], seen: Counter[str], case: dict[str, Any]
) -> None:
    """Seal a manifest, show what is in the bundle, and build its model."""
    read_all(path, parts, Counter(), case)
    with refusals(seen), contextlib.redirect_stderr(io.StringIO()):
        inspect(bundle=str(path), json=None, quiet=False)
    with refusals(seen):
        open_model(str(path), CPU)


@contextlib.contextmanager
def refusals(seen: Counter[str]):
    """Let our own problems pass: a sentence each, never a bug."""
    try:
        yield
        seen["read"] += 1
    except CBVAEError as problem:
        if problem.exit_code not in (2, 3, 4) or not problem.what:
            raise
        seen[type(problem).__name__] += 1


def parts_of(bundle: Path) -> dict[str, Any]:
    """Take a bundle apart."""
    import zipfile

    with zipfile.ZipFile(bundle) as archive:
        parts: dict[str, Any] = {
            name: archive.read(name) for name in archive.namelist()
        }
    return parts | {"added": json.loads(parts[MANIFEST])}


def small_bundle(folder: Path) -> Path:
    """Train a bundle of a few kilobytes with a column of every kind."""
    from cbvae_cli.cli.app import main

    rows = ["n,i,c,b,t,k,y"] + [
        f"{n % 7}.5,{n * 37 % 101},{'rgb'[n % 3]},{'yes' if n % 2 else 'no'},"
        f"2024-01-{n % 28 + 1:02d},k,{'pq'[n % 2]}"
        for n in range(60)
    ]
    (folder / "rows.csv").write_text("\n".join(rows))
    flags = ["--preset", "paper", "--epochs", "1", "--hidden", "4", "--latent", "2"]
    argv = ["train", f"{folder}/rows.csv", "--label", "y", "--quiet", *flags]
    assert main([*argv, "-o", f"{folder}/small.cbvae"]) == 0
    return folder / "small.cbvae"


def run(cases: int, start: int) -> dict[str, Any]:
    """Run so many cases; raises what a case raised that is no problem of ours."""
    # A warning would stand on a user's terminal.
    warnings.simplefilter("error")
    told: dict[str, Any] = {"seed": start, "faults": {}}
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if Path("/dev/shm").is_dir() else None
    ) as name:
        folder = Path(name)
        bundle = small_bundle(folder)
        parts = parts_of(bundle)
        chosen = st.sampled_from([None, None, "numeric", "categorical"])
        text = st.lists(cells, min_size=1, max_size=12).map(
            lambda c: pa.array(c, pa.string())
        )
        changed, path = manifests(parts["added"]), folder / "x.cbvae"
        targets = {
            "tables": (tables(), partial(read, folder)),
            "columns": (st.tuples(text | columns(), st.booleans(), chosen), look),
            "manifests": (changed, partial(read_all, path, parts)),
            "bundles": (changed, partial(open_all, path, parts)),
        }
        for target, (strategy, ask) in targets.items():
            seen: Counter[str] = Counter()
            count, begun = round(cases * SHARES[target]), time.monotonic()
            faults = faults_of(strategy, partial(ask, seen), count, start)
            seconds = round(time.monotonic() - begun)
            told[target] = {"cases": count, "seconds": seconds, **seen}
            told["faults"] |= faults
    return told


def faults_of(strategy: Any, ask: Any, count: int, start: int) -> dict[str, str]:
    """Ask about so many cases; gives the first fault at each place of the code."""
    faults: dict[str, str] = {}

    @seed(start)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def each(case: Any) -> None:
        try:
            ask(case)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            ours = [f for f in frames if "cbvae_cli" in f.filename] or frames
            place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
            faults.setdefault(
                f"{place}: {type(error).__name__}: {error}"[:150], repr(case)[:500]
            )

    each()
    return faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    given_flags = parser.parse_args()
    outcome = run(given_flags.cases, given_flags.seed)
    print(json.dumps(outcome, indent=1))
    sys.exit(1 if outcome["faults"] else 0)
