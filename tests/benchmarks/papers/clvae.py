"""The experiments of the conditional-latent-space VAE paper, on digits and people.

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/papers/clvae.py [--quick] [--seed 0] [-o FOLDER]

MNIST as a table of 784 columns (the paper's networks are dense as well), a plain VAE,
`--model clvae` and the same with `--gamma 0.3`, all with `--latent 2`; trained on the
training file, measured on the test file. Clusters by k-means and normal mixtures at the
number of best V; isolation forest, LOF and one-class SVM on the latent coordinates,
fitted on training rows: excess mass and mass volume, the share of each class among the
strangest rows; rows that a cluster mislabels. Then a mixed table, conditioned on a
column of many values, stands in for the paper's trades, which are not public. Pictures
go into FOLDER (default `benchmark-results/` in the current folder). Needs
`mnist-train.parquet`, `mnist-test.parquet` and `adult.parquet` in the folder that
CBVAE_BENCH_DATA names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import clvae_figures as figures
import numpy as np
import pyarrow as pa
from clvae_space import FLAGGED, Space, anomalies, clusters, rmse_to_own_mean

sys.path.insert(0, str(Path(__file__).parents[1]))

from cases import DATA
from catalogue import drawn, labels_of, read, write
from contest import hold_threads
from judge import floats
from tables import Bench

ONE = "all"  # the only class of a table whose labels a plain VAE must not see
SEED_OF_ROWS = 51


@dataclass(frozen=True)
class Way:
    """A model that is compared.

    Attributes
    ----------
    title : str
    flags : tuple of str
        Of `train`.
    labelled : bool
        Whether it sees labels.
    paper : tuple of str
        The paper's V on digits by EM and k-means.
    """

    title: str
    flags: tuple[str, ...]
    labelled: bool
    paper: tuple[str, str]


WAYS = (
    Way("VAE", ("--model", "clvae"), False, ("0.6313 (14)", "0.5572 (14)")),
    Way("CL-VAE", ("--model", "clvae"), True, ("0.8132 (7)", "0.8088 (7)")),
    Way(
        "CL-VAE gamma .3",
        ("--model", "clvae", "--gamma", "0.3"),
        True,
        ("0.9248 (10)", "0.9233 (10)"),
    ),
)


@dataclass(frozen=True)
class Task:
    """A table and what its rows are told apart by.

    Attributes
    ----------
    name, label : str
    train, test : pa.Table
    flags : tuple of str
        Of `train`, for every way.
    """

    name: str
    label: str
    train: pa.Table
    test: pa.Table
    flags: tuple[str, ...]


def digits(rows: int | None, flags: tuple[str, ...]) -> Task:
    """Give MNIST, or some of it."""
    rng = np.random.default_rng(SEED_OF_ROWS)
    train, test = (read(DATA / f"mnist-{part}.parquet") for part in ("train", "test"))
    few = None if rows is None else rows // 5
    return Task("MNIST", "label", drawn(train, rows, rng), drawn(test, few, rng), flags)


def people(rows: int, flags: tuple[str, ...]) -> Task:
    """Give a mixed table by occupation, known ones only."""
    rng = np.random.default_rng(SEED_OF_ROWS)
    table = read(DATA / "adult.parquet")
    known = table.filter(pa.compute.is_valid(table["occupation"]))
    some = drawn(known, rows, rng)
    tested = rng.random(len(some)) < 0.3
    train, test = (some.filter(pa.array(side)) for side in (~tested, tested))
    left_out = ("--exclude=fnlwgt", "--exclude=education-num")
    return Task("adult by occupation", "occupation", train, test, (*left_out, *flags))


def without_label(table: pa.Table, label: str) -> pa.Table:
    """Put all rows into one class."""
    at = table.column_names.index(label)
    return table.set_column(at, label, pa.array([ONE] * len(table)))


def space(task: Task, way: Way, seed: int) -> Space:
    """Train one way and take the coordinates of all rows from `embed`."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), ".parquet", 0)
        tables = {"train": task.train, "test": task.test}
        for name, table in tables.items():
            rows = table if way.labelled else without_label(table, task.label)
            write(rows, bench.file(name))
        bundle = Path(folder) / "model.cbvae"
        words = ("--label", task.label, "--latent", "2", "--members", "1")
        flags = (*words, *way.flags, *task.flags, "--seed", seed, "-o", bundle)
        bench.run("fit", "train", bench.file("train"), *flags)
        found = []
        for name in tables:
            out = bench.file(f"{name}-z")
            bench.run(name, "embed", bundle, bench.file(name), "--only", "-o", out)
            if bench.faults:
                raise SystemExit("; ".join(bench.faults))
            answers = read(out)
            columns = [floats(answers[f"cbvae_z{axis}"]) for axis in (0, 1)]
            found.append(np.column_stack(columns))
        return Space(way.title, *found, labels_of(task.test, task.label))


def tell_clusters(spaces: list[Space], ways: tuple[Way, ...]) -> None:
    """Print V at the best number of clusters (table 1)."""
    print(
        f"\n  {'V (clusters)':<18}{'EM':>14}{'k-means':>14}{'paper: EM, k-means':>30}"
    )
    for way, each in zip(ways, spaces, strict=True):
        found = [clusters(each, method) for method in ("em", "kmeans")]
        cells = "".join(f"{f'{f.v:.4f} ({f.k})':>14}" for f in found)
        print(f"  {each.title:<18}{cells}{', '.join(way.paper):>30}", flush=True)


def tell_anomalies(spaces: list[Space]) -> None:
    """Print EM-MV and how evenly classes stand among the strangest (tables 2, 3)."""
    print(
        f"\n  the {FLAGGED:.0%} strangest test rows of each; RMSE of the classes' "
        "shares among\n  them from their shares among all. Volumes of different "
        "spaces do not compare (as the paper's tables do)."
    )
    print(f"  {'':<18}{'detector':<18}{'EM':>10}{'MV':>10}{'RMSE':>10}{'own cut':>10}")
    for each in spaces:
        for name, found in anomalies(each).items():
            print(
                f"  {each.title:<18}{name:<18}{found.em:>10.2e}{found.mv:>10.3f}"
                f"{found.uneven:>10.4f}{found.own_share:>10.1%}",
                flush=True,
            )


def tell_mislabels(spaces: list[Space]) -> None:
    """Print how many rows lie in clusters of another class (section 4.4)."""
    for each in spaces[-1:] + spaces[:1]:
        found = clusters(each, "em")
        names, counts = np.unique(each.labels[found.odd], return_counts=True)
        pairs = zip(names, counts, strict=True)
        told = ", ".join(f"{name} {count}" for name, count in pairs)
        print(f"  {each.title}: {found.odd.mean():.1%} in clusters of another: {told}")


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="6,000 digits, few steps")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    asked = parser.parse_args()
    hold_threads(0)
    asked.output.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    task = digits(6_000, QUICK) if asked.quick else digits(None, FULL)
    print(f"{task.name}: {len(task.train):,} rows to train, {len(task.test):,} to test")
    spaces = [space(task, way, asked.seed) for way in WAYS]
    tell_clusters(spaces, WAYS)
    tell_anomalies(spaces)
    print("\n  mislabelled by clusters (EM)")
    tell_mislabels(spaces)
    images = np.column_stack(
        [c.to_numpy() for c in task.test.drop_columns([task.label]).columns]
    )
    apart = rmse_to_own_mean(images, spaces[0].labels)
    for each in spaces:
        far = each.from_means()
        print(
            f"  {each.title}: distance from the class's middle and RMSE from its mean "
            f"image correlate by {np.corrcoef(far, apart)[0, 1]:.3f} (figure 8)"
        )
    files = figures.draw(spaces, images, apart, asked.output)
    others = people(3_000 if asked.quick else 12_000, QUICK)
    print(f"\n{others.name}: {len(others.train):,} rows to train")
    two = [space(others, way, asked.seed) for way in WAYS[:2]]
    tell_anomalies(two)
    files.append(figures.draw_spaces(two, asked.output / "clvae-people.png"))
    print("\nfigures:", *map(str, files), sep="\n  ")
    print(f"took {time.monotonic() - begun:,.0f} s")
    return 0


QUICK = ("--preset", "fast")
FULL = ("--preset", "fast", "--hidden", "512,256", "--epochs", "40")

if __name__ == "__main__":
    sys.exit(main())
