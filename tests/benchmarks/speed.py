"""How fast and how lean: start-up, rows a second, training, peak memory, as ratios.

Run by hand, with the package installed together with its `dev` extra:

    python tests/benchmarks/speed.py --out benchmark-results/speed.jsonl
    python tests/benchmarks/speed.py --summary benchmark-results/speed.jsonl

Each command runs in turn with what it is set beside, a pair at a time, so that a
machine that is busy or drifts slows both: processor seconds stand beside seconds gone
by. Tables come from `mixed.py`, whose flags say all of them; what the file of figures
holds is not measured again, so a run that was broken off goes on where it was.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from book import Book, Key
from child import Ran, run
from contest import hold_threads
from mixed import make
from rivals import NEEDS
from speed_told import told

HERE = Path(__file__).parent
FEW = 100  # rows at which a run is little but its start
LEARNT = 100_000  # rows that bundles learn from which answer
ANSWERS = ("classify", "impute", "score")
PRESETS = ("fast", "default")
ENDINGS = (".csv", ".parquet")
COLUMNS, NARROW_ROWS = (10, 100, 1000), 10_000
# What trains, or asks for what only training gives, has no start-up of its own.
TRAINS = "it trains: see the part `training`"


@dataclass(frozen=True)
class Pair:
    """A command and what it is set beside.

    Attributes
    ----------
    part : str
        `startup`, `answers` or `training`.
    case : str
        What both do it with: `100000x30.csv`.
    model, verb : str
        The contestant: a preset of ours, or a rival.
    ours, other : tuple of str
        Commands; `other` may be empty.
    why : str
        Why nothing is measured; empty where it is.
    """

    part: str
    case: str
    model: str
    verb: str
    ours: tuple[str, ...]
    other: tuple[str, ...] = ()
    why: str = ""

    @property
    def key(self) -> Key:
        """Give the line in the book."""
        return Key(self.case, 0, self.part, self.model, self.verb)


class Bench:
    """Tables and bundles, made when they are first asked for.

    Parameters
    ----------
    folder : Path
    threads : int
    """

    def __init__(self, folder: Path, threads: int) -> None:
        self.folder = folder
        self.threads = threads

    def table(self, n_rows: int, n_columns: int = 30, ending: str = ".csv") -> str:
        """Give the path of a table."""
        path = self.folder / f"{n_rows}x{n_columns}{ending}"
        if not path.exists():
            make(path, n_rows, n_columns)
        return str(path)

    def bundle(self, preset: str) -> str:
        """Give the path of a bundle that has learnt."""
        path = self.folder / f"{preset}.cbvae"
        if not path.exists():
            done = run(self.train(self.table(LEARNT), preset, str(path)))
            if done.code:
                raise SystemExit(f"training failed: {done.told}")
        return str(path)

    def train(self, table: str, preset: str, to: str = "") -> tuple[str, ...]:
        """Give a command that trains."""
        flags = ("--label", "label", "--preset", preset, "-o", to or self.out(".cbvae"))
        return self.ours("train", table, *flags, "--force")

    def ours(self, *words: str) -> tuple[str, ...]:
        """Give a command of ours."""
        given = words
        if words[0] in ("train", *ANSWERS, "embed", "cluster", "evaluate", "augment"):
            given = (*words, "--threads", str(self.threads), "--quiet")
        return (sys.executable, "-m", "cbvae_cli", *given)

    def rival(self, name: str, *words: str) -> tuple[str, ...]:
        """Give a command of a rival."""
        return (sys.executable, str(HERE / "rivals.py"), name, *words)

    def out(self, ending: str) -> str:
        """Give a path to write to."""
        return str(self.folder / f"out{ending}")


def startup(bench: Bench) -> Iterator[Pair]:
    """Give every verb at little work, beside the import that it cannot do without."""
    light = (sys.executable, "-c", "import typer")
    heavy = (sys.executable, "-c", "import torch")
    few, out = bench.table(FEW), bench.out(".csv")
    to = ("-o", out, "--force")
    bundle = bench.bundle("fast")
    case = f"{FEW} rows"
    yield Pair("startup", "--help", "typer", "cbvae", bench.ours("--help"), light)
    for verb in ("inspect", "verify", "upgrade"):
        yield Pair(
            "startup", "a bundle", "typer", verb, bench.ours(verb, bundle), light
        )
    dry = bench.ours("train", few, "--label", "label", "--dry-run")
    yield Pair("startup", case, "torch", "train --dry-run", dry, heavy)
    for verb in (*ANSWERS, "embed"):
        words = bench.ours(verb, bundle, few, *to)
        yield Pair("startup", case, "torch", verb, words, heavy)
    cluster = bench.ours("cluster", bundle, few, "-k", "2", *to)
    yield Pair("startup", case, "torch", "cluster", cluster, heavy)
    rated = bench.ours("evaluate", bundle, few)
    yield Pair("startup", case, "torch", "evaluate", rated, heavy)
    made = bench.ours("augment", bundle, "-n", str(FEW), *to)
    yield Pair("startup", case, "torch", "augment", made, heavy)
    for verb in ("compare", "demo"):
        yield Pair("startup", case, "torch", verb, (), (), TRAINS)


def answers(bench: Bench, rows: Sequence[int]) -> Iterator[Pair]:
    """Give rows that are answered for beside rows that are read and written."""
    for ending, n_rows in itertools.product(ENDINGS, (FEW, *rows)):
        table, out = bench.table(n_rows, ending=ending), bench.out(ending)
        floor = bench.rival("nothing", table, bench.out("-floor" + ending))
        for preset, verb in itertools.product(PRESETS, ANSWERS):
            words = (verb, bench.bundle(preset), table, "-o", out, "--force")
            yield Pair(
                "answers", Path(table).name, preset, verb, bench.ours(*words), floor
            )


def training(bench: Bench, rows: Sequence[int]) -> Iterator[Pair]:
    """Give training by rows and by columns, ours and others' networks."""
    sizes = [(n_rows, 30) for n_rows in rows]
    sizes += [(NARROW_ROWS, n_columns) for n_columns in COLUMNS]
    for size in sizes:
        table = bench.table(*size)
        case = Path(table).name
        for preset in PRESETS:
            yield Pair("training", case, preset, "train", bench.train(table, preset))
        for name in ("mlp", *NEEDS):
            library = NEEDS.get(name, "sklearn")
            known = importlib.util.find_spec(library) is not None
            why = "" if known else f"{library} is not installed"
            yield Pair(
                "training", case, name, "train", bench.rival(name, table), (), why
            )


def measure(pairs: Iterator[Pair], book: Book, turns: int, limit: float) -> None:
    """Run what the book lacks, each command in turn with the other."""
    for pair in pairs:
        if not book.lacks(pair.key):
            continue
        line: dict[str, Any] = {"why": pair.why}
        if not pair.why:
            line = _in_turn(pair, turns if pair.part != "training" else 1, limit)
        book.add(pair.key, line)
        print(*pair.key.__dict__.values(), line, file=sys.stderr, flush=True)


def _in_turn(pair: Pair, turns: int, limit: float) -> dict[str, Any]:
    found: dict[str, Any] = {"ours": [], "other": []}
    for _ in range(turns):
        for name, command in (("ours", pair.ours), ("other", pair.other)):
            if not command:
                continue
            done = run(command, limit)
            if done.code == -9:
                return {"why": f"not done within {limit:g} seconds"}
            if done.code:
                said = (done.told.strip() or "nothing").splitlines()[-1]
                return {"why": f"exit {done.code}: {said}"}
            found[name].append(_cost(done))
    return found


def _cost(done: Ran) -> list[float]:
    """Give processor seconds, seconds gone by, and MB at most."""
    return [round(done.cpu, 4), round(done.wall, 4), round(done.peak / 1e6, 1)]


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, help="file of figures, one JSON a line")
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="measure nothing; tell of FILE"
    )
    parser.add_argument("--parts", default="startup,answers,training", help="by commas")
    parser.add_argument(
        "--rows", default="100000,1000000", help="of answers, by commas"
    )
    parser.add_argument(
        "--train-rows", default="10000,100000,1000000", help="of training"
    )
    parser.add_argument("--turns", type=int, default=5, help="pairs of runs")
    parser.add_argument("--limit", type=float, default=3600.0, help="seconds of a run")
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--folder", type=Path, help="keep tables and bundles there")
    parser.add_argument("--again", action="store_true", help="try failed ones again")
    asked = parser.parse_args()
    if (asked.out is None) is (asked.summary is None):
        parser.error("give --out FILE to measure, or --summary FILE to tell")
    return asked


def main() -> int:
    """Measure, or tell."""
    asked = arguments()
    if asked.summary is not None:
        print("\n".join(told(Book(asked.summary))))
        return 0
    hold_threads(asked.threads)
    book = Book(asked.out, again=asked.again)
    rows = [int(number) for number in asked.rows.split(",")]
    train_rows = [int(number) for number in asked.train_rows.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        kept = asked.folder or Path(folder)
        kept.mkdir(parents=True, exist_ok=True)
        bench = Bench(kept, asked.threads)
        parts = {
            "startup": lambda: startup(bench),
            "answers": lambda: answers(bench, rows),
            "training": lambda: training(bench, train_rows),
        }
        for part in asked.parts.split(","):
            measure(parts[part](), book, asked.turns, asked.limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
