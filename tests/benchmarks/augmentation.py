"""Rows worth training on, beside oversampling, SMOTE and generators, on public tables.

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/augmentation.py --out benchmark-results/rows.jsonl
    python tests/benchmarks/augmentation.py --summary benchmark-results/rows.jsonl

The tables are those of `catalogue.py` (README, Benchmark tables), at most 20,000 rows
of each: 30 % of them to test on, and of the rest a quarter to gate by. A bundle is
trained on the others, and a booster and a logistic regression learn from them with and
without made rows; a line holds the AUPRC of the minority on test rows and what the made
rows changed. `auto` chooses the amount on the training rows alone, `full` and all peers
bring every class to the size of the largest. `smote` is SMOTENC where a table has
categories, `borderline` is for tables of numbers alone. What the file holds is not
measured again.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from book import Book
from cases import Case, Split
from catalogue import labels_of, write
from contest import Contest, Ours, run
from generators import GENERATORS
from standing import bootstrap, figures_of, text_of
from tables import Bench

from cbvae_cli.answers.gate import Gate
from cbvae_cli.answers.known import Known
from cbvae_cli.answers.trial import JUDGES, Trial, auprc, measurable, together
from cbvae_cli.measures.fidelity import detection_auc
from cbvae_cli.peers.features import CannotRun, features_of
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.scale import fit_standard
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for

GATE_SHARE = 0.25  # of the training rows
HELD = "held"
# Flags of `augment` by the name of the way.
WAYS = {
    "auto": ("--balance", "--ratio", "auto"),
    "full": ("--balance",),
    "prior full": ("--balance", "--method", "prior"),
    "posterior full": ("--balance", "--method", "posterior"),
    "interpolate full": ("--balance", "--method", "interpolate"),
}


@dataclass(frozen=True)
class Rows:
    """A case as the classifiers see it.

    Attributes
    ----------
    schema : Schema
    train, test : Known
    minority : list of int
        Places of the classes that are looked for.
    """

    schema: Schema
    train: Known
    test: Known
    minority: list[int]

    @classmethod
    def of(cls, split: Split) -> Rows:
        """Read the files of a split as the program does."""
        train = str(split.folder / f"train{split.ending}")
        with open_source(train, ReadOptions(), reread=True) as source:
            schema, _ = find_schema(source, split.case.columns)
            thinning = thinning_for(schema, None)
            table = read_table(source, schema, fit_standard, thinning)
        schema = table.schema
        classes = schema.label.classes
        return cls(
            schema,
            Known("train", schema, table.values, table.labels),
            rows_of(schema, split.folder / f"test{split.ending}"),
            [classes.index(n) for n in split.case.public.minority if n in classes],
        )


def rows_of(schema: Schema, path: Path) -> Known:
    """Read a file of labelled rows."""
    values, labels = [], []
    with open_source(str(path), ReadOptions(), allow_empty=True) as source:
        for batch in source.batches():
            values.append(schema.values(source, batch)[0])
            labels.append(schema.labels(source, batch))
    none = np.empty((0, len(schema.modelled))), np.empty(0, dtype=np.int64)
    values, labels = [*values, none[0]], [*labels, none[1]]
    return Known(path.name, schema, np.concatenate(values), np.concatenate(labels))


class Augmentation(Contest):
    """Rows to train on.

    Parameters
    ----------
    threads : int
    """

    ours = (Ours("cbvae", (), tuple(WAYS)),)
    peers = tuple(GENERATORS)

    def __init__(self) -> None:
        self._without: tuple[Path, Rows, dict[str, float]] | None = None

    def split(self, case: Case, folder: Path) -> Split:
        """Set rows aside for the gate, too."""
        train, test = case.halves()
        labels = labels_of(train, case.public.label)
        rng = np.random.default_rng([case.seed, 14])
        held = np.zeros(len(train), dtype=bool)
        for name in np.unique(labels):
            own = rng.permutation(np.flatnonzero(labels == name))
            held[own[: round(GATE_SHARE * len(own))]] = True
        split = Split(case, folder, train.filter(pa.array(~held)), test)
        write(train.filter(pa.array(held)), folder / f"{HELD}{split.ending}")
        return split

    def ask(self, bench: Bench, split: Split, rule: str) -> dict[str, Any] | None:
        """Make rows, gate them, and see what they do on the test rows."""
        out = bench.file("made")
        words = ("--data", bench.file("train"), "--seed", split.case.seed)
        figures = bench.run(
            rule,
            *("augment", bench.folder / "model.cbvae", *WAYS[rule], *words),
            *("--missing", "keep", "--privacy", "--held-out", bench.file(HELD)),
            *("-o", out, "--force"),
        )
        if figures is None:
            return None
        rows = self._rows(split)[0]
        made = _by_class(rows_of(rows.schema, out))
        line = self._tried(split, made, bench.threads)
        line["closest_record_share"] = figures["privacy"]["closest_record_share"]
        if made:
            held = rows_of(rows.schema, bench.file(HELD))
            # As the program does it, but exit code 5 is an answer here and no fault.
            asked = {"seed": split.case.seed, "threads": bench.threads}
            judged = Gate(rows.train, held, list(made), **asked).judge(made)
            line["gate"] = judged["verdict"]
            line["gate_change"] = judged["auprc_change"]
        return line

    def peer(self, name: str, split: Split, threads: int) -> dict[str, Any]:
        """Let a peer make rows."""
        rows, _ = self._rows(split, threads)
        begun = time.perf_counter()
        made = GENERATORS[name](rows.train, split.case.seed)
        seconds = round(time.perf_counter() - begun, 3)
        return self._tried(split, made, threads) | {"make_seconds": seconds}

    def _rows(self, split: Split, threads: int = 1) -> tuple[Rows, dict[str, float]]:
        """Give the rows of a case and the AUPRC without any made ones."""
        if self._without is None or self._without[0] != split.folder:
            rows = Rows.of(split)
            if not measurable(rows.test.labels, rows.minority):
                raise CannotRun("the test rows lack the minority")
            found = _figures(rows, rows.train, split.case.seed, threads)
            self._without = split.folder, rows, found
        return self._without[1:]

    def _tried(
        self, split: Split, made: Mapping[int, Floats], threads: int
    ) -> dict[str, Any]:
        rows, before = self._rows(split, threads)
        n_made = sum(map(len, made.values()))
        both = together(rows.train, made)
        after = _figures(rows, both, split.case.seed, threads) if n_made else before
        line: dict[str, Any] = {"made": n_made}
        for name in JUDGES:
            line[name] = after[name]
            line[f"{name}_change"] = after[name] - before[name]
        line["auprc"] = float(np.mean([after[name] for name in JUDGES]))
        line["detection"] = _detection(rows, made, split.case.seed)
        return line


def _figures(rows: Rows, train: Known, seed: int, threads: int) -> dict[str, float]:
    chances = Trial(threads).chances(train, rows.test, seed)
    return {
        name: auprc(found, rows.test.labels, rows.minority)
        for name, found in chances.items()
    }


def _detection(rows: Rows, made: Mapping[int, Floats], seed: int) -> float | None:
    """Tell made rows of the smallest minority from its test rows."""
    counts = rows.train.counts
    place = min(rows.minority, key=lambda at: (counts[at] == 0, counts[at]))
    real = rows.test.values[rows.test.labels == place]
    if place not in made or min(len(real), len(made[place])) < 20:
        return None
    real, found = (features_of(rows.schema, part) for part in (real, made[place]))
    return detection_auc(real.values, found.values, real.categorical, seed)


def _by_class(made: Known) -> dict[int, Floats]:
    return {
        int(place): made.values[made.labels == place]
        for place in np.unique(made.labels)
    }


def report(book: Book) -> Iterator[str]:
    """Tell what made rows changed."""
    frame = figures_of(book, "way")
    for missing, part in frame.groupby("missing", sort=False):
        yield f"\n== change of AUPRC, missing cells: {missing} =="
        yield from _changes(part)
        yield from _gates(part)
        more = ["made", "detection", "closest_record_share", "seconds"]
        found = part[["way", *(n for n in more if n in part)]]
        yield f"\n-- means --\n{text_of(found.groupby('way', sort=False).mean())}"


def _changes(part: pd.DataFrame) -> Iterator[str]:
    for judge in JUDGES:
        column = f"{judge}_change"
        tables = part.pivot_table(column, "table", "way", "mean", sort=False)
        yield f"\n-- {judge} --\n{text_of(tables)}\n"
        for way in tables:
            known = tables[way].dropna().to_numpy()
            mean, low, high = bootstrap(known)
            up, n_tables = int((known > 0).sum()), len(known)
            yield (
                f"{way:22} {mean:+.4f} [{low:+.4f}, {high:+.4f}]; "
                f"up on {up} of {n_tables} tables"
            )


def _gates(part: pd.DataFrame) -> Iterator[str]:
    if "gate" not in part:
        return
    judged = part[part["gate"].notna()]
    change = judged[[f"{judge}_change" for judge in JUDGES]].mean(axis=1)
    agrees = (change > 0) == (judged["gate"] == "helpful")
    yield (
        f"\ngate: {int(agrees.sum())} of {len(agrees)} verdicts agree with the test "
        f"rows; {int((judged['gate'] == 'helpful').sum())} were helpful"
    )


if __name__ == "__main__":
    sys.exit(run(Augmentation(), __doc__, report))
