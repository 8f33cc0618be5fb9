"""Kill runs at random moments, and count what is lost.

By hand: `python tests/faults/kills.py --kills 200 --seed 1`. Half of the kills fall at
a random time, half before a random use of a file (opened, written to, renamed,
removed), where a time would hardly ever fall. After every kill each output must be the
old one or the new one, whole; a run that is then let go to its end must give what an
unbroken run gives, with nothing beside it. Needs `os.fork`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from cbvae_cli.calibration import boosting, neighbours
from cbvae_cli.cli.app import main
from cbvae_cli.table.outlet import Outlet
from cbvae_cli.training import filling, loop
from cbvae_cli.training.presets import PRESETS

SAMPLES = Path(__file__).parents[2] / "sample_data"
USES = {"open", "os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir"}
IN_A_ROW = 3  # kills of one run at most, before it is let go to its end
STORE = "models/"
Tree = dict[str, bytes]

TRAIN = ["train", "../defects.csv", "--label", "outcome", "--exclude", "part"]
TRAIN += ["--hidden", "8", "--epochs", "4", "--members", "2", "--force", "--quiet"]
ASK = ["--quiet", "--force", "--batch-rows", "16"]
JOBS = {
    "train anew": [*TRAIN, "-o", "m.cbvae"],
    "train over an old bundle": [*TRAIN, "-o", "old.cbvae"],
    "train into a store": [*TRAIN, "-o", "models/"],
    "csv": ["impute", "../m.cbvae", "../defects.csv", "-o", "rows.csv", *ASK],
    "csv.gz": ["score", "../m.cbvae", "../defects.csv", "-o", "rows.csv.gz", *ASK],
    "parquet": ["impute", "../m.cbvae", "../defects.csv", "-o", "r.parquet", *ASK],
    "ndjson": ["classify", "../m.cbvae", "../defects.csv", "-o", "r.ndjson", *ASK],
    "arrow": ["embed", "../m.cbvae", "../defects.csv", "-o", "r.arrow", *ASK],
    "folder": ["impute", "../m.cbvae", "../parts", "-o", "out/", *ASK],
    "rows and summary": [
        *["score", "../m.cbvae", "../defects.csv", "-o", "r.csv"],
        *["--json=summary.json", *ASK],
    ],
    "made rows": ["augment", "../m.cbvae", "-n", "60", "-o", "made.csv", *ASK],
    "copy": ["upgrade", "../m.cbvae", "-o", "copy.cbvae", "--force"],
}
OLD = {
    "old.cbvae": b"an old bundle",
    "models/0001.cbvae": b"an old bundle",
    "rows.csv": b"a\n1\n",
    "rows.csv.gz": b"packed",
    "r.csv": b"a\n1\n",
    "r.parquet": b"old",
    "out/a.parquet": b"old",
    "out/b.parquet": b"old",
    "summary.json": b'{"schema": 1}\n',
    "copy.cbvae": b"an old bundle",
}


@dataclass
class Toll:
    """What kills cost.

    Attributes
    ----------
    kills : Counter
        By kind and job.
    lost : int
        Bytes of outputs that were neither the old nor the new ones.
    debris, differences, failures : list of str
        Left behind after the next run; other than an unbroken run's; not gone on with.
    resumed : int
        Runs that went on with saved work.
    """

    kills: Counter[str] = field(default_factory=Counter)
    lost: int = 0
    debris: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    resumed: int = 0


@dataclass
class Unbroken:
    """What a run does that nobody kills."""

    seconds: float
    uses: int
    tree: Tree


def train_briefly() -> None:
    """Train a little of everything, and save often."""
    for name, preset in PRESETS.items():
        PRESETS[name] = replace(preset, joint_steps=30, filler_steps=30)
    boosting.ITERATIONS, boosting.MOST_TREES, boosting.LEAST_ITERATIONS = 10, 20, 5
    filling.ITERATIONS = 5
    neighbours.MOST_CENTRES, neighbours.MOST_LEARNT = 32, 256
    loop.SAVE_SECONDS = 0.2


def contents(folder: Path) -> Tree:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def begin(folder: Path, argv: list[str], kill_at: int) -> tuple[int, int]:
    """Run a command in a child, which kills itself before a use of a file.

    Returns
    -------
    pid : int
    told : int
        End of a pipe that says how many uses there were.
    """
    told, tell = os.pipe()
    pid = os.fork()
    if pid:
        os.close(tell)
        return pid, told
    os.chdir(folder)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    uses = 0

    def note() -> None:
        nonlocal uses
        uses += 1
        if uses == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def heard(event: str, details: tuple[Any, ...]) -> None:
        if event in USES and str(folder) in os.path.abspath(str(details[0])):
            note()

    write = Outlet.write

    def written(outlet: Outlet, data: bytes) -> int:
        note()
        return write(outlet, data)

    Outlet.write = written
    sys.addaudithook(heard)
    code = main(argv)
    os.write(tell, str(uses).encode())
    os._exit(code)


def ended(pid: int, told: int) -> tuple[int, int]:
    """Wait for a child; gives its exit code, negative if killed, and its uses."""
    _, status = os.waitpid(pid, 0)
    said = os.read(told, 20)
    os.close(told)
    return os.waitstatus_to_exitcode(status), int(said or 0)


def laid_out(folder: Path, job: str) -> Path:
    """Make a job's folder with the old outputs in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, body in OLD.items():
        first = name.partition("/")[0]
        if any(word.split("=")[-1].rstrip("/") == first for word in JOBS[job]):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(body)
    return folder


def go_on(folder: Path, job: str) -> list[str]:
    """Give the command that goes on after a kill."""
    saved = any(folder.rglob(".*.run/generative/run.json"))
    return JOBS[job] + (["--resume"] if saved else [])


def by_output(tree: Tree) -> dict[str, Tree]:
    """Sort visible files by the output that they belong to."""
    found: dict[str, Tree] = {}
    for name, body in tree.items():
        if not any(part.startswith(".") for part in name.split("/")):
            found.setdefault(name.partition("/")[0], {})[name] = body
    return found


def one_more(tree: Tree, whole: Tree) -> Tree:
    """Leave out what runs, killed between a bundle's number and their end, have added.

    Each has added one more bundle to a store, and it must be as whole as any.
    """
    last = max((name for name in whole if name.startswith(STORE)), default="")
    return {
        name: body
        for name, body in tree.items()
        if not (last and name.startswith(STORE) and name > last and body == whole[last])
    }


def lost_bytes(now: Tree, old: Tree, new: Tree) -> int:
    """Count the bytes of outputs that are neither the old nor the new ones."""
    after, before, whole = map(by_output, (one_more(now, new), old, new))
    return sum(
        sum(map(len, before.get(name, whole[name]).values()))
        for name in whole
        if after.get(name) not in (before.get(name), whole[name])
    )


def round_of(job: str, folder: Path, whole: Unbroken, rng: random.Random, toll: Toll):
    """Kill a run up to three times, then let it come to its end."""
    old = contents(laid_out(folder, job))
    for _ in range(rng.randint(1, IN_A_ROW)):
        by_time = rng.random() < 0.5
        argv = go_on(folder, job)
        toll.resumed += "--resume" in argv
        kill_at = 0 if by_time else rng.randint(1, whole.uses)
        pid, told = begin(folder, argv, kill_at)
        if by_time:
            time.sleep(rng.uniform(0, whole.seconds))
            os.kill(pid, signal.SIGKILL)
        code, _ = ended(pid, told)
        if code == -signal.SIGKILL:
            toll.kills[f"{job}, at a {'time' if by_time else 'use'}"] += 1
        elif code:
            toll.failures.append(f"{job}: exit code {code}")
        toll.lost += lost_bytes(contents(folder), old, whole.tree)
        if code == 0:
            break
    argv = go_on(folder, job)
    toll.resumed += "--resume" in argv
    code, _ = ended(*begin(folder, argv, 0))
    found = one_more(contents(folder), whole.tree)
    if code:
        toll.failures.append(f"{job}: exit code {code} in the end")
    toll.debris += [f"{job}: {name}" for name in set(found) - set(whole.tree)]
    toll.differences += [
        f"{job}: {name}" for name in whole.tree if found.get(name) != whole.tree[name]
    ]


def prepare(home: Path) -> dict[str, Unbroken]:
    """Make tables and a bundle, and run every job once without a kill."""
    import pyarrow.csv
    import pyarrow.parquet

    rows = (SAMPLES / "defects.csv").read_text("utf-8").splitlines(keepends=True)
    (home / "defects.csv").write_text("".join(rows[:161]), encoding="utf-8")
    (home / "parts").mkdir()
    table = pyarrow.csv.read_csv(home / "defects.csv")
    for name, part in (("a", table[:80]), ("b", table[80:])):
        pyarrow.parquet.write_table(part, home / "parts" / f"{name}.parquet")
    folder = home / "work"
    found = {}
    for job in JOBS:
        begun = time.monotonic()
        code, uses = ended(*begin(laid_out(folder, job), JOBS[job], 0))
        assert code == 0, f"{job}: exit code {code}"
        found[job] = Unbroken(time.monotonic() - begun, uses, contents(folder))
        if job == "train anew":
            shutil.copy(folder / "m.cbvae", home / "m.cbvae")
    return found


def toll_of(kills: int, seed: int, only: str = "") -> Toll:
    """Kill so many runs."""
    train_briefly()
    rng, toll = random.Random(seed), Toll()
    with tempfile.TemporaryDirectory() as name:
        home = Path(name).resolve()
        whole = prepare(home)
        jobs = [job for job in JOBS if only in job]
        while toll.kills.total() < kills:
            job = jobs[rng.randrange(len(jobs))]
            round_of(job, home / "work", whole[job], rng, toll)
    return toll


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="jobs with this in their name")
    given = parser.parse_args()
    found = toll_of(given.kills, given.seed, given.only)
    kills = dict(sorted(found.kills.items()))
    print(json.dumps({**vars(found), "kills": kills, "in all": sum(kills.values())}))
