"""Do `--fpr` and `--abstain` keep on unseen rows what they promise?

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/promises.py --out benchmark-results/promises.jsonl
    python tests/benchmarks/promises.py --summary benchmark-results/promises.jsonl

Rows of each table are dealt out anew by each seed, 70 % to train a bundle on and the
others to ask about with a bound on false alarms, with that bound for this very bundle
(`--confidence`), and with leave to refuse rows. What is promised holds for rows drawn
like those of training, so rows are dealt out one by one: equal rows may stand on both
sides here. A line of the book stands for a table, a split and a promise; what it holds
is not measured again.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from book import Book, Key
from cases import DATA, MOST_ROWS, Case, Split
from catalogue import TEST_SHARE, drawn, labels_of, read
from contest import hold_threads
from numpy.typing import NDArray
from tables import Bench

Labels = NDArray[np.object_]
Figures = dict[str, float]
TABLES = "adbench-thyroid,sick,mammography"
BOUND = 0.01
CONFIDENCE = 0.9
REFUSED = 0.05


def dealt(case: Case, folder: Path) -> Split:
    """Deal out rows one by one."""
    rng = np.random.default_rng([case.seed, 41])
    rows = drawn(read(DATA / case.public.file), MOST_ROWS, rng)
    tested = rng.random(len(rows)) < TEST_SHARE
    train, test = (rows.filter(pa.array(side)) for side in (~tested, tested))
    return Split(case, folder, train, test)


def false_alarms(calls: Labels, truth: Labels, positive: str) -> Figures:
    """Share of the other classes' rows that are called positive; and recall."""
    others = truth != positive
    called = calls == positive
    return {
        "rate": float(called[others].mean()),
        "rows": float(others.sum()),
        "recall": float(called[~others].mean()),
    }


def refusals(calls: Labels, truth: Labels, positive: str) -> Figures:
    """Share of rows of known classes that get no label."""
    empty = calls == ""
    found = {"rate": float(empty.mean()), "rows": float(len(calls))}
    return found | {
        f"rate of {name}": float(empty[truth == name].mean())
        for name in sorted(set(truth))
    }


# By name: flags of `classify`, what is counted, what the rate may be on average.
PROMISES: dict[
    str, tuple[list[str], Callable[[Labels, Labels, str], Figures], float]
] = {
    f"--fpr {BOUND}": (["--fpr", str(BOUND)], false_alarms, BOUND),
    f"--fpr {BOUND} --confidence {CONFIDENCE}": (
        ["--fpr", str(BOUND), "--confidence", str(CONFIDENCE)],
        false_alarms,
        BOUND,
    ),
    f"--abstain {REFUSED}": (["--abstain", str(REFUSED)], refusals, 2 * REFUSED),
}


def measure(book: Book, table: str, seed: int, asked: argparse.Namespace) -> None:
    """Train on one split and ask for every promise that the book lacks."""
    keys = {name: Key(table, seed, "0", asked.preset, name) for name in PROMISES}
    lacking = [name for name, key in keys.items() if book.lacks(key)]
    if not lacking:
        return
    case = Case(table, seed, "0")
    positive = case.public.minority[0]
    with tempfile.TemporaryDirectory() as folder:
        split = dealt(case, Path(folder))
        split.write()
        truth = labels_of(split.test, case.public.label)
        bench = Bench(split.folder, split.ending, asked.threads)
        bundle = split.folder / "model.cbvae"
        words = ("--seed", seed, "--preset", asked.preset, "--positive", positive)
        bench.run("t", "train", bench.file("train"), *case.flags, *words, "-o", bundle)
        for number, name in enumerate(lacking):
            flags, count, _ = PROMISES[name]
            run, out = f"answer{number}", bench.file(f"answer{number}")
            words = (bundle, bench.file("test"), *flags, "--only", "-o", out)
            if bench.faults or bench.run(run, "classify", *words) is None:
                book.add(keys[name], {"why": "; ".join(bench.faults)})
                bench.faults = [f for f in bench.faults if f.startswith("t:")]
                continue
            cells = bench.answered(run)["cbvae_label"].to_pandas()
            calls = cells.fillna("").astype(str).to_numpy(dtype=object)
            book.add(keys[name], count(calls, truth, positive))
        print(table, seed, *bench.faults, file=sys.stderr, flush=True)


def report(book: Book) -> None:
    """Tell mean rates, their standard errors, and how often a bound is passed."""
    found: dict[tuple[str, str, str], list[Figures]] = defaultdict(list)
    for key, line in book.measured():
        found[key.rule, key.table, key.model].append(line)
    for key, line in book.lines.items():
        if "why" in line:
            print(f"{key.table} seed {key.seed} {key.rule}: {line['why']}")
    for (name, table, preset), lines in sorted(found.items()):
        rates = np.array([line["rate"] for line in lines])
        bound = PROMISES[name][2]
        error = rates.std(ddof=1) / np.sqrt(len(rates)) if len(rates) > 1 else np.nan
        above = int((rates > bound).sum())
        print(
            f"{name} · {table} · {preset}: mean {rates.mean():.4f} ± {error:.4f}, "
            f"highest {rates.max():.4f}, above {bound:g} in {above} of {len(rates)}"
        )
        for figure in sorted({n for line in lines for n in line} - {"rate", "rows"}):
            each = [line[figure] for line in lines if figure in line]
            print(f"    {figure}: mean {np.nanmean(each):.4f}")


def main() -> int:
    """Measure, or tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, help="file of figures, one JSON a line")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="tell of FILE")
    parser.add_argument("--tables", default=TABLES, help="names, by commas")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    if (asked.out is None) is (asked.summary is None):
        parser.error("give --out FILE to measure, or --summary FILE to tell")
    if asked.summary is not None:
        report(Book(asked.summary))
        return 0
    hold_threads(asked.threads)
    book = Book(asked.out)
    for seed in range(asked.splits):
        for table in asked.tables.split(","):
            measure(book, table, seed, asked)
    return 0


if __name__ == "__main__":
    sys.exit(main())
