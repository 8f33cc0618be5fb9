"""Reconstruction probability against reconstruction error (An & Cho, 2015).

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/papers/reconstruction.py [--seeds 2] [--quick] [-o FOLDER]

On the anomaly tables, trained on usual rows only: the AUROC and AUPRC of strange rows
by the mean log density over draws of the posterior (`score --method probability`), by
the mean squared error of the same networks (`error`), by their importance-weighted
bound (`likelihood`), and by a plain autoencoder's error (PyOD's). The article says that
a high reconstruction probability is an anomaly; a low one is, and `score` gives its
negative. Draws digits between digits into FOLDER (default `benchmark-results/` in the
current folder), and keeps its figures there: what stands in them is not redone. Tables
come from the folder that CBVAE_BENCH_DATA names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1]))

from anomaly import Anomaly, report
from book import Book
from cases import DATA, Case
from catalogue import labels_of, read, write
from contest import Ours, hold_threads
from tables import Bench

TABLES = (
    *("adbench-thyroid", "adbench-cardio", "adbench-vowels", "adbench-wilt"),
    *("adbench-annthyroid", "adbench-satimage-2", "adbench-pendigits"),
    *("adbench-optdigits", "adbench-waveform", "adbench-fault"),
    *("adbench-ionosphere", "mammography"),
)
QUICK = TABLES[:3]
DIGITS = ("5", "6")
SHOWN = 10
SIDE = 28
BOOK = "reconstruction.jsonl"


class Reconstruction(Anomaly):
    """Ways of measuring how badly a row is reconstructed."""

    ours = (Ours("vae", ("--preset", "fast"), ("probability", "error", "likelihood")),)
    peers = ("pyod-autoencoder",)


def between(folder: Path) -> None:
    """Draw rows on the lines between real digits of a class, and between classes."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), ".parquet", 1)
        digits = read(DATA / "mnist-train.parquet").slice(0, 10_000)
        some = digits.filter(pa.array(np.isin(labels_of(digits, "label"), DIGITS)))
        write(some, bench.file("train"))
        bundle = Path(scratch) / "digits.cbvae"
        words = ("--label", "label", "--preset", "fast", "-o", bundle)
        bench.run("train", "train", bench.file("train"), *words)
        rows = {}
        for digit in DIGITS:
            for method in ("posterior", "interpolate"):
                words = ("--method", method, "--class", digit, "-n", SHOWN, "--data")
                out = bench.file(f"{method}{digit}")
                asked = (*words, bench.file("train"), "-o", out)
                bench.run(f"{method}{digit}", "augment", bundle, *asked)
                if bench.faults:
                    raise SystemExit("; ".join(bench.faults))
                rows[f"{digit}, {method}"] = read(out).drop_columns(["label"])
    figure, axes = plt.subplots(len(rows), SHOWN, figsize=(SHOWN, 1.3 * len(rows)))
    for line, (title, table) in zip(axes, rows.items(), strict=True):
        images = np.column_stack([column.to_numpy() for column in table.columns])
        for at, image in enumerate(images):
            line[at].imshow(image.reshape(SIDE, SIDE), cmap="gray_r")
            line[at].set_axis_off()
        line[0].set_title(title, fontsize=9, loc="left")
    figure.savefig(folder / "reconstruction-between.png", dpi=120)
    plt.close(figure)


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="one seed, three tables")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    asked = parser.parse_args()
    hold_threads(1)
    asked.output.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    contest = Reconstruction()
    names = {one.name for one in contest.ours} | set(contest.peers)
    book = asked.output / ("reconstruction-quick.jsonl" if asked.quick else BOOK)
    cases = [
        Case(table, seed, "0")
        for seed in range(1 if asked.quick else asked.seeds)
        for table in (QUICK if asked.quick else TABLES)
        if (DATA / Case(table, seed, "0").public.file).is_file()
    ]
    contest.run(cases, names, Namespace(out=book, again=True, threads=1))
    print("\n".join(report(Book(book))))
    between(asked.output)
    print(f"\ntook {time.monotonic() - begun:,.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
