"""The experiments of the DVAAN paper, with dense networks on tables.

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/papers/dvaan.py [--seeds 2] [--quick] [-o FOLDER]

AUC of the rare class on MNIST (5 against 6 at 1:5; 5 against all others, about 1:9, in
12,000 digits) and on six public tables, thinned to 1:5, 1:10 and 1:20, by DVAAN, its
ablations and its baselines: by the discriminator, as in the paper, and by the
autoencoder's likelihood; mean squared reconstruction errors; mu by epoch; digits drawn
around +mu, 0 and -mu. Without a latent space of two parts (mu fixed at 0) and without
support rows DVAAN is the paper's VAE-GAN, whose discriminator tells reconstructed rows
of the two classes apart. To end in good time there are two seeds, 800 steps on digits
and 500 on tables, and nothing is calibrated. The paper's networks are convolutional;
AC-GAN, CVAE-GAN, Fashion-MNIST, CIFAR-10 and TIS are not here. Figures are kept in
FOLDER (default `benchmark-results/` in the current folder): what stands there is not
measured again. Tables come from the folder that CBVAE_BENCH_DATA names.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.metrics import roc_auc_score

sys.path.insert(0, str(Path(__file__).parents[1]))

import dvaan_figures as figures
from bare import Bare, read_rows, trained
from book import Book, Key
from cases import DATA, Case
from catalogue import drawn, labels_of, read

from cbvae_cli.records import Columns
from cbvae_cli.table.matrix import Encoded
from cbvae_cli.training.presets import PRESETS

DISCRIMINATOR, LIKELIHOOD = "discriminator", "likelihood"


@dataclass(frozen=True)
class System:
    """A way of training, and what names the class.

    Attributes
    ----------
    settings : mapping of str to Any
        Fields of `Settings`.
    rules : tuple of str
        Of `classify`, the paper's own first.
    """

    settings: Mapping[str, Any]
    rules: tuple[str, ...] = (DISCRIMINATOR, LIKELIHOOD)


GAN: Mapping[str, Any] = {
    "model": "dvaan",
    "mu": 0.0,  # classes share a prior, so that the autoencoder cannot tell them apart
    "fixed_mu": True,
    "support": False,
    "paper_discriminator": True,
}
DVAAN: Mapping[str, Any] = {"model": "dvaan"}
OURS = "DVAAN"
SYSTEMS: Mapping[str, System] = {
    "VAE-GAN": System(GAN, (DISCRIMINATOR,)),
    "VAE-GAN balanced": System(GAN | {"balanced": True}, (DISCRIMINATOR,)),
    "CVAE": System({"model": "cvae"}, (LIKELIHOOD,)),
    "DVAE": System({"model": "dvae"}, (LIKELIHOOD,)),
    "DVAAN fixed mu": System(DVAAN | {"fixed_mu": True}),
    "DVAAN no support": System(DVAAN | {"support": False}),
    "DVAAN paper's D": System(DVAAN | {"paper_discriminator": True}),
    OURS: System(DVAAN),
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
STEPS, TABLE_STEPS, QUICK_STEPS = 800, 500, 200


@dataclass(frozen=True)
class Task:
    """Rows of two classes, `RARE` and `COMMON`.

    Attributes
    ----------
    name : str
    train, test : pa.Table
    label : str
    columns : Columns
    """

    name: str
    train: pa.Table
    test: pa.Table
    columns: Columns


def two_classes(table: pa.Table, label: str, rare: tuple[str, ...]) -> pa.Table:
    """Put the label into two words."""
    names = np.where(np.isin(labels_of(table, label), rare), RARE, COMMON)
    return table.set_column(table.column_names.index(label), label, pa.array(names))


def thinned(table: pa.Table, label: str, ratio: int, seed: int) -> pa.Table:
    """Leave rows of one class out until there are so many common ones to a rare one."""
    rng = np.random.default_rng([seed, 61])
    is_rare = labels_of(table, label) == RARE
    rare, common = np.flatnonzero(is_rare), np.flatnonzero(~is_rare)
    rare = rng.permutation(rare)[: len(common) // ratio]
    common = rng.permutation(common)[: len(rare) * ratio]
    return table.take(pa.array(np.sort(np.concatenate([common, rare]))))


def digits(seed: int, quick: bool) -> Iterator[Task]:
    """Give the two tasks of digits."""
    rng = np.random.default_rng([seed, 62])
    train, test = (read(DATA / f"mnist-{part}.parquet") for part in ("train", "test"))
    pair = train.filter(pa.array(np.isin(labels_of(train, LABEL), (FIVE, SIX))))
    both = test.filter(pa.array(np.isin(labels_of(test, LABEL), (FIVE, SIX))))
    rows = thinned(two_classes(pair, LABEL, (FIVE,)), LABEL, 5, seed)
    columns = Columns(LABEL, positive=RARE)
    yield Task(PAIR, rows, two_classes(both, LABEL, (FIVE,)), columns)
    few = drawn(train, 3_000 if quick else MOST_ROWS, rng)
    every = two_classes(few, LABEL, (FIVE,))
    yield Task(ALL, every, two_classes(test, LABEL, (FIVE,)), columns)


def tables(seed: int, quick: bool) -> Iterator[Task]:
    """Give the thinned tables."""
    for name in TABLES[:1] if quick else TABLES:
        case = Case(name, seed, "0")
        if not (DATA / case.public.file).is_file():
            continue
        columns = replace(case.columns, positive=RARE)
        label, rare = columns.label, tuple(case.public.minority)
        train, test = (two_classes(half, label, rare) for half in case.halves())
        for ratio in RATIOS:
            rows = thinned(train, label, ratio, seed)
            yield Task(f"{name}, 1:{ratio}", rows, test, columns)


class Judge:
    """Trains every system on one task and judges it on test rows.

    Parameters
    ----------
    task : Task
    seed, steps : int
    """

    def __init__(self, task: Task, seed: int, steps: int) -> None:
        self.settings = replace(PRESETS["fast"], seed=seed, steps=steps)
        self.table = read_rows(task.train, task.columns)
        self.test = task.test
        classes = self.table.schema.label.classes
        self.rare, self.common = classes.index(RARE), classes.index(COMMON)
        self.truth = labels_of(task.test, task.columns.label) == RARE

    def measure(self, system: System) -> tuple[dict[str, Any], Bare]:
        """Train one system; gives its figures and its networks."""
        settings = replace(self.settings, **system.settings)
        begun = time.monotonic()
        networks = trained(self.table, settings)
        seconds = time.monotonic() - begun
        rows = networks.encode(self.test)
        found = {rule: self._auc(networks, rows, rule) for rule in system.rules}
        errors = networks.of_classes(rows, "error")
        own = np.where(self.truth, errors[:, self.rare], errors[:, self.common])
        path = networks.record.get("mu", ())
        return found | {
            "auc": found[system.rules[0]],
            "error": float(own.mean()),
            "seconds": seconds,
            "mu": [float(np.mean(each)) for each in path],
        }, networks

    def _auc(self, networks: Bare, rows: Encoded, rule: str) -> float:
        asked, part = networks.family, "iw"
        if rule == DISCRIMINATOR:
            asked, part = networks.family.teller, "elbo"
        found = networks.of_classes(rows, part, asked)
        odds = found[:, self.rare] - found[:, self.common]
        return float(roc_auc_score(self.truth, odds))


def tell(
    book: Book, columns: Mapping[str, Sequence[str]], figure: str, title: str
) -> None:
    """Print a line a system: means over seeds, and over the tasks of each column."""
    found = [
        {"system": key.model, "task": key.table, "value": line[figure]}
        for key, line in book.measured()
        if figure in line
    ]
    if not found:
        return
    each = pd.DataFrame(found).pivot_table(
        index="system", columns="task", values="value", aggfunc="mean"
    )
    each = each.reindex([name for name in SYSTEMS if name in each.index])
    means = {
        column: each[[task for task in tasks if task in each]].mean(axis=1)
        for column, tasks in columns.items()
    }
    print(f"\n{title}\n{pd.DataFrame(means).round(4).to_string()}", flush=True)


def tell_all(book: Book, names: Sequence[str]) -> None:
    """Print every table."""
    of_digits = {name: [name] for name in names if name in (PAIR, ALL)}
    others = [name for name in names if name not in of_digits]
    of_tables: dict[str, list[str]] = {}
    for name in others:
        table, ratio = name.removeprefix("adbench-").split(", ")
        of_tables.setdefault(table, []).append(name)
    for ratio in RATIOS:
        at = f"1:{ratio}"
        of_tables[at] = [name for name in others if name.endswith(at)]
    of_tables["mean"] = others
    own = "(CVAE and DVAE by their likelihood)"
    tell(book, of_digits, "auc", f"AUC on digits by the discriminator {own}")
    for system, (pair, every) in PAPER.items():
        print(f"  the paper, {system}: {pair:.4f} on 5 v 6, {every:.4f} on 5 v all")
    tell(book, of_digits, LIKELIHOOD, "AUC on digits by the autoencoder's likelihood")
    tell(book, of_tables, "auc", f"AUC on tables by the discriminator {own}")
    tell(book, of_tables, LIKELIHOOD, "AUC on tables by the autoencoder's likelihood")
    columns = of_digits | of_tables
    tell(book, columns, "error", "Mean squared reconstruction error, test rows")
    tell(book, columns, "seconds", "Seconds to train")


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--quick", action="store_true", help="one seed, few tables")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    book = Book(asked.output / ("dvaan-quick.jsonl" if asked.quick else "dvaan.jsonl"))
    names: dict[str, None] = {}
    for seed in range(1 if asked.quick else asked.seeds):
        for make, steps in ((digits, STEPS), (tables, TABLE_STEPS)):
            for task in make(seed, asked.quick):
                names[task.name] = None
                keys = {name: Key(task.name, seed, "0", name) for name in SYSTEMS}
                lacking = [name for name, key in keys.items() if book.lacks(key)]
                judge = (
                    Judge(task, seed, QUICK_STEPS if asked.quick else steps)
                    if lacking
                    else None
                )
                for name in lacking if judge else ():
                    line, networks = judge.measure(SYSTEMS[name])
                    book.add(keys[name], line)
                    told = {rule: f"{line[rule]:.4f}" for rule in SYSTEMS[name].rules}
                    print(task.name, seed, name, told, file=sys.stderr, flush=True)
                    if task.name == PAIR and name == OURS and seed == 0:
                        figures.around(networks, asked.output / "dvaan-digits.png")
    tell_all(book, list(names))
    print("\nfigures:", *figures.draw(book, asked.output), sep="\n  ")
    print(f"took {time.monotonic() - begun:,.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
