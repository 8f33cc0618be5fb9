"""Generated tables, columns and manifests: nothing but our own problems comes out.

By hand: `python tests/attacks/fuzz.py --cases 100000 --seed 1`. A small share of it is
a test (`test_fuzz.py`). Of the cases that end otherwise, the first at each place of the
code is shown.
"""

from __future__ import annotations

import argparse
import contextlib
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

import pyarrow as pa
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
from tests.attacks.generated import cells, columns, manifests, tables

SHARES = {"tables": 0.5, "columns": 0.455, "manifests": 0.04, "bundles": 0.005}
CPU = torch.device("cpu")


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
            faults = faults_of(target, strategy, partial(ask, seen), count, start)
            seconds = round(time.monotonic() - begun)
            told[target] = {"cases": count, "seconds": seconds, **seen}
            told["faults"] |= faults
    return told


def faults_of(
    kind: str, strategy: Any, ask: Any, count: int, start: int
) -> dict[str, str]:
    """Ask about so many cases; gives the first fault at each place of the code.

    The seed and the kind of case draw the same cases again.
    """
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
                f"{place}: {type(error).__name__}: {error}"[:150],
                f"seed {start}, {kind}: {case!r}"[:500],
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
