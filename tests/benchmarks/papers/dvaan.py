"""The experiments of the DVAAN paper, with dense networks on tables.

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/papers/dvaan.py [--seeds 3] [--quick] [-o FOLDER]

AUC of the rare class on MNIST (5 against 6 at 1:5; 5 against all others, about 1:9) and
on six public tables whose rare class is thinned to 1:5, 1:10 and 1:20, by DVAAN, its
ablations and its baselines; mean squared reconstruction errors; mu by epoch; digits
drawn around +mu, 0 and -mu. Without a latent space of two parts (mu fixed at 0) and
without support rows DVAAN is the paper's VAE-GAN, whose discriminator tells
reconstructed rows of the two classes apart. The paper's networks are convolutional;
AC-GAN, CVAE-GAN, Fashion-MNIST, CIFAR-10 and TIS are not here. Figures are kept in
FOLDER (default `benchmark-results/` in the current folder): what stands there is not
measured again. Tables come from the folder that CBVAE_BENCH_DATA names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).parents[1]))

import dvaan_figures as figures
from book import Book, Key
from cases import DATA, Case
from catalogue import labels_of, read, write
from contest import hold_threads
from judge import floats
from tables import Bench

FAMILIES: Mapping[str, tuple[str, ...]] = {
    "VAE-GAN": (
        *("--model", "dvaan", "--mu", "0", "--fixed-mu", "--no-support"),
        "--paper-discriminator",
    ),
    "VAE-GAN balanced": (
        *("--model", "dvaan", "--mu", "0", "--fixed-mu", "--no-support"),
        *("--paper-discriminator", "--balanced"),
    ),
    "CVAE": ("--model", "cvae"),
    "DVAE": ("--model", "dvae"),
    "DVAAN fixed mu": ("--model", "dvaan", "--mu", "3", "--fixed-mu"),
    "DVAAN no support": ("--model", "dvaan", "--no-support"),
    "DVAAN paper's D": ("--model", "dvaan", "--paper-discriminator"),
    "DVAAN": ("--model", "dvaan"),
}
PAPER = {  # AUC on MNIST, tables 1 and 2
    "VAE-GAN": (0.9152, 0.9394),
    "VAE-GAN balanced": (0.9617, 0.9703),
    "DVAAN fixed mu": (0.9628, 0.9690),
    "DVAAN no support": (0.9776, 0.9833),
    "DVAAN": (0.9871, 0.9913),
}
TABLES = (
    *("adbench-pendigits", "adbench-waveform", "adbench-fault"),
    *("page-blocks", "mammography", "default-credit"),
)
RATIOS = (5, 10, 20)
PAIR, ALL = "MNIST 5 v 6, 1:5", "MNIST 5 v all, 1:9"
MOST_ROWS = 12_000
FIVE, SIX = "5", "6"
LABEL = "label"
RARE, COMMON = "rare", "common"
STEPS = ("--preset", "fast")


@dataclass(frozen=True)
class Task:
    """Rows of two classes, `RARE` and `COMMON`.

    Attributes
    ----------
    name : str
    train, test : pa.Table
    label : str
    flags : tuple of str
        Of `train`.
    """

    name: str
    train: pa.Table
    test: pa.Table
    label: str
    flags: tuple[str, ...]


def two_classes(table: pa.Table, label: str, rare: tuple[str, ...]) -> pa.Table:
    """Put the label into two words."""
    names = np.where(np.isin(labels_of(table, label), rare), RARE, COMMON)
    return table.set_column(table.column_names.index(label), label, pa.array(names))


def thinned(table: pa.Table, label: str, ratio: int, seed: int) -> pa.Table:
    """Draw rare rows until there is one for so many common ones."""
    rng = np.random.default_rng([seed, 61])
    rare = labels_of(table, label) == RARE
    wanted = min(int(rare.sum()), int((~rare).sum()) // ratio)
    kept = rng.choice(np.flatnonzero(rare), wanted, replace=False)
    return table.take(pa.array(np.sort(np.concatenate([np.flatnonzero(~rare), kept]))))


def digits(seed: int, quick: bool) -> Iterator[Task]:
    """Give the two tasks of digits."""
    rng = np.random.default_rng([seed, 62])
    train, test = (read(DATA / f"mnist-{part}.parquet") for part in ("train", "test"))
    pair = train.filter(pa.array(np.isin(labels_of(train, LABEL), (FIVE, SIX))))
    both = test.filter(pa.array(np.isin(labels_of(test, LABEL), (FIVE, SIX))))
    rows = thinned(two_classes(pair, LABEL, (FIVE,)), LABEL, 5, seed)
    yield Task(PAIR, rows, two_classes(both, LABEL, (FIVE,)), LABEL, ())
    some = 3_000 if quick else MOST_ROWS
    few = train.take(pa.array(np.sort(rng.choice(len(train), some, replace=False))))
    every = two_classes(few, LABEL, (FIVE,))
    yield Task(ALL, every, two_classes(test, LABEL, (FIVE,)), LABEL, ())


def tables(seed: int, quick: bool) -> Iterator[Task]:
    """Give the thinned tables."""
    for name in TABLES[:1] if quick else TABLES:
        case = Case(name, seed, "0")
        if not (DATA / case.public.file).is_file():
            continue
        label, rare = case.public.label, tuple(case.public.minority)
        train, test = (two_classes(half, label, rare) for half in case.halves())
        for ratio in RATIOS:
            rows = thinned(train, label, ratio, seed)
            flags = tuple(word for word in case.flags if word not in ("--label", label))
            yield Task(f"{name}, 1:{ratio}", rows, test, label, flags)


def measure(task: Task, name: str, seed: int, folder_out: Path) -> dict[str, Any]:
    """Train one family and judge it on test rows."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), ".parquet", 0)
        write(task.train, bench.file("train"))
        write(task.test, bench.file("test"))
        bundle, out = Path(folder) / "model.cbvae", bench.file("out")
        words = ("--label", task.label, *task.flags, "--positive", RARE, *STEPS)
        flags = (*words, *FAMILIES[name], "--seed", seed, "-o", bundle)
        bench.run("fit", "train", bench.file("train"), *flags)
        words = ("--rule", "likelihood", "--only", "-o", out)
        bench.run("classify", "classify", bundle, bench.file("test"), *words)
        if bench.faults:
            return {"why": "; ".join(bench.faults)}
        answers = read(out)
        truth = labels_of(task.test, task.label)
        chance = floats(answers[f"cbvae_p_{RARE}"])
        if task.name == PAIR and name == "DVAAN" and seed == 0:
            figures.around(bundle, folder_out / "dvaan-digits.png")
        return {
            "auc": float(roc_auc_score(truth == RARE, chance)),
            "error": own_error(answers, truth),
            "seconds": bench.seconds["fit"],
            "mu": figures.mu_path(bundle),
        }


def own_error(answers: pa.Table, truth: Any) -> float:
    """Give the mean squared error under each row's own class."""
    own = np.full(len(truth), np.nan)
    for name in (RARE, COMMON):
        column = f"cbvae_error_{name}"
        if column in answers.column_names:
            rows = truth == name
            own[rows] = floats(answers[column])[rows]
    return float(np.mean(own))


def tell(book: Book, tasks: list[str], figure: str, title: str) -> None:
    """Print means over seeds, a line a family."""
    lines = [
        {"family": key.model, "task": key.table, figure: line.get(figure)}
        for key, line in book.measured()
        if key.table in tasks
    ]
    if not lines:
        return
    frame = pd.DataFrame(lines).pivot_table(
        index="family", columns="task", values=figure, aggfunc="mean"
    )
    frame = frame.reindex(
        index=[name for name in FAMILIES if name in frame.index],
        columns=[task for task in tasks if task in frame.columns],
    )
    frame["mean"] = frame.mean(axis=1)
    print(f"\n{title}\n{frame.round(4).to_string()}", flush=True)


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one seed, few tables")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    asked = parser.parse_args()
    hold_threads(0)
    asked.output.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    book = Book(asked.output / ("dvaan-quick.jsonl" if asked.quick else "dvaan.jsonl"))
    names: dict[str, None] = {}
    for seed in range(1 if asked.quick else asked.seeds):
        for make in (digits, tables):
            for task in make(seed, asked.quick):
                names[task.name] = None
                for name in FAMILIES:
                    key = Key(task.name, seed, "0", name)
                    if book.lacks(key):
                        book.add(key, measure(task, name, seed, asked.output))
                        line = book.lines[key]
                        told = line.get("why") or f"AUC {line['auc']:.4f}"
                        print(task.name, seed, name, told, file=sys.stderr, flush=True)
    for key, line in book.lines.items():
        if "why" in line:
            print(f"{key.table}, seed {key.seed}, {key.model}: {line['why']}")
    of_digits = [name for name in names if name in (PAIR, ALL)]
    tell(book, of_digits, "auc", "AUC on digits, mean over seeds")
    for family, (pair, every) in PAPER.items():
        print(f"  the paper, {family}: {pair:.4f} on 5 v 6, {every:.4f} on 5 v all")
    others = [name for name in names if name not in of_digits]
    tell(book, others, "auc", "AUC on tables, mean over seeds")
    tell(book, list(names), "error", "Mean squared reconstruction error, test rows")
    print("\nfigures:", *figures.draw(book, asked.output), sep="\n  ")
    print(f"took {time.monotonic() - begun:,.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
