"""Is `--prior` as good as training where classes have those shares?

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/prior.py [--tables adult,mammography] [--seed 0]

One bundle is trained on a table as it is, another on rows of it thinned until the
positive class has another share. Both answer the test rows, the first with `--prior`;
20 draws of test rows with that share are judged by log loss, in pairs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from cases import Case, Split
from catalogue import labels_of, write
from contest import hold_threads
from judge import floats
from numpy.typing import NDArray
from tables import Bench

TABLES = "adult,default-credit,mammography,page-blocks,adbench-thyroid"
FACTORS = (1 / 3, 3.0)  # new over old odds of the positive class
DRAWS = 20
LEAST = 1e-15  # of a probability, for those never thought of


def thinned(
    positive: NDArray[np.bool_], factor: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Drop rows of one class until its odds have changed by a factor."""
    kept = min(factor, 1 / factor)
    dropped = positive if factor < 1 else ~positive
    some = np.flatnonzero(dropped)
    few = rng.choice(some, round(kept * len(some)), replace=False)
    return np.sort(np.concatenate([np.flatnonzero(~dropped), few]))


def chances(bench: Bench, name: str, bundle: Path, *flags: str) -> Any:
    """Ask a bundle about the test rows: classes and their probabilities."""
    out = bench.file(name)
    words = (bundle, bench.file("test"), *flags, "--only", "-o", out)
    if bench.run(name, "classify", *words) is None:
        raise SystemExit("; ".join(bench.faults))
    answers = bench.answered(name)
    return {
        column.removeprefix("cbvae_p_"): floats(answers[column])
        for column in answers.column_names
        if column.startswith("cbvae_p_")
    }


def losses(of: dict[str, NDArray[np.float64]], truth: NDArray[Any]) -> Any:
    """Give the log loss of each row, in nats."""
    lost = np.full(len(truth), -np.log(LEAST))
    for name, chance in of.items():
        own = truth == name
        lost[own] = -np.log(chance[own].clip(LEAST))
    return lost


def measure(table: str, asked: argparse.Namespace) -> None:
    """Compare on one table, for each factor."""
    case = Case(table, asked.seed, "0")
    with tempfile.TemporaryDirectory() as folder:
        split = Split(case, Path(folder), *case.halves())
        split.write()
        bench = Bench(split.folder, split.ending, asked.threads)

        def train(rows: str) -> Path:
            bundle = split.folder / f"{rows}.cbvae"
            words = (*case.flags, "--seed", asked.seed, "-o", bundle)
            if bench.run(f"training {rows}", "train", bench.file(rows), *words) is None:
                raise SystemExit("; ".join(bench.faults))
            return bundle

        plain = train("train")
        truth = labels_of(split.test, case.public.label)
        known = labels_of(split.train, case.public.label)
        minority = case.public.minority
        for number, factor in enumerate(FACTORS):
            rng = np.random.default_rng([asked.seed, number])
            rows = thinned(np.isin(known, minority), factor, rng)
            name = f"train{number}"
            write(split.train.take(pa.array(rows)), bench.file(name))
            names, counts = np.unique(known[rows], return_counts=True)
            told = [
                word
                for one, count in zip(names, counts, strict=True)
                for word in ("--prior", one, repr(float(count / len(rows))))
            ]
            ours = losses(chances(bench, f"ours{number}", plain, *told), truth)
            own = losses(chances(bench, f"own{number}", train(name)), truth)
            bare = losses(chances(bench, f"bare{number}", plain), truth)
            drawn = [
                thinned(np.isin(truth, minority), factor, rng) for _ in range(DRAWS)
            ]
            mean = [
                np.array([lost[rows].mean() for rows in drawn])
                for lost in (ours, own, bare)
            ]
            apart = mean[0] / mean[1] - 1
            print(
                f"{table}: odds x {factor:.2f}: log loss with --prior "
                f"{mean[0].mean():.4f}, trained so {mean[1].mean():.4f}, without "
                f"--prior {mean[2].mean():.4f}; paired {apart.mean():+.1%} ± "
                f"{apart.std(ddof=1) / np.sqrt(DRAWS):.1%} of {DRAWS} draws",
                flush=True,
            )


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", default=TABLES, help="names, by commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    hold_threads(asked.threads)
    for table in asked.tables.split(","):
        measure(table, asked)
    return 0


if __name__ == "__main__":
    sys.exit(main())
