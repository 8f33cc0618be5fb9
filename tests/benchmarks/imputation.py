"""Hidden cells filled, beside class means, neighbours, ridge, forests and miceforest.

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/imputation.py --out benchmark-results/fills.jsonl
    python tests/benchmarks/imputation.py --summary benchmark-results/fills.jsonl

The tables are those of `catalogue.py` (README, Benchmark tables), at most 4,000 rows of
each, 30 % of them to test on. Cells of train and test are hidden alike, and all are
told the rows' classes. Errors are root mean squares over hidden cells of test rows, in
deviations of the training rows; of names, the share filled right. `rare` is the same
over the minority's rows. What the file holds is not measured again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from book import Book
from cases import Case, Split
from catalogue import write
from contest import Contest, Ours, run
from fillers import FILLERS, Task, filled_by
from standing import figures_of, text_of
from tables import Bench

from cbvae_cli.peers.features import features_of, renumbered
from cbvae_cli.table.cells import Floats
from cbvae_cli.table.scale import fit_standard
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for

MOST_ROWS = 4_000
DRAWS = 20
TRUTH = "truth"
FIGURES = ("rmse", "rare_rmse", "accuracy", "rare_accuracy", "covered", "rare_covered")


class Imputation(Contest):
    """Fills of cells that were hidden on purpose."""

    ours = (Ours("cbvae", (), ("class known", "class hidden")),)
    peers = tuple(FILLERS)
    figure = "rmse"

    def split(self, case: Case, folder: Path) -> Split:
        """Take some rows, and keep what the test rows held."""
        whole = Case(case.table, case.seed, "0", MOST_ROWS)
        _, truth = whole.halves()
        case = Case(case.table, case.seed, case.missing, MOST_ROWS)
        split = Split(case, folder, *case.halves())
        write(truth, folder / f"{TRUTH}{split.ending}")
        return split

    def ask(self, bench: Bench, split: Split, rule: str) -> dict[str, Any] | None:
        """Let `impute` fill the test rows."""
        rows = Rows.of(split)
        out = bench.file("filled")
        words = [bench.folder / "model.cbvae", bench.file("test"), "-o", out, "--force"]
        if rule == "class hidden":
            words += ["--hide", split.case.public.label]
        if bench.run(rule, "impute", *words) is None:
            return None
        line = rows.judged(rows.read(out)[0])
        if rule == "class hidden":
            return line
        if bench.run("draws", "impute", *words, "--draws", DRAWS) is None:
            return None
        draws = rows.read(out)[0]
        draws = draws.reshape(-1, DRAWS, draws.shape[1])
        return line | rows.covered(draws.min(axis=1), draws.max(axis=1))

    def peer(self, name: str, split: Split, threads: int) -> dict[str, Any]:
        """Let a peer fill the test rows."""
        rows = Rows.of(split)
        seed = split.case.seed
        train, test = renumbered(rows.train, rows.test)
        task = Task(train, test, rows.labels, rows.asked, seed, threads)
        found = filled_by(name, task)
        for at in np.flatnonzero(rows.train.categorical):
            known = np.unique(
                rows.train.values[~np.isnan(rows.train.values[:, at]), at]
            )
            found[:, at] = known[found[:, at].astype(int)]
        return rows.judged(found)


class Rows:
    """A case as fills are judged.

    Parameters
    ----------
    split : Split
    """

    def __init__(self, split: Split) -> None:
        path = split.folder / f"train{split.ending}"
        with open_source(str(path), ReadOptions(), reread=True) as source:
            found, _ = find_schema(source, split.case.columns)
            table = read_table(source, found, fit_standard, thinning_for(found, None))
        self.schema: Schema = table.schema
        self.train = features_of(self.schema, table.values)
        self.labels = table.labels
        values, self.asked = self.read(split.folder / f"test{split.ending}")
        self.test = features_of(self.schema, values)
        self.truth, _ = self.read(split.folder / f"{TRUTH}{split.ending}")
        self.hidden = np.isnan(values) & ~np.isnan(self.truth)
        numbers = np.where(self.train.categorical, 0.0, self.train.values)
        spread = np.nanstd(numbers, axis=0)
        self.spread = np.where(spread > 0, spread, np.nan)
        classes = self.schema.label.classes
        rare = [classes.index(n) for n in split.case.public.minority if n in classes]
        self.rare = np.isin(self.asked, rare)

    @classmethod
    def of(cls, split: Split) -> Rows:
        """Read the files of a split as the program does."""
        return cls(split)

    def read(self, path: Path) -> tuple[Floats, Any]:
        """Read values and classes of a file."""
        values, labels = [], []
        with open_source(str(path), ReadOptions(), allow_empty=True) as source:
            for batch in source.batches():
                values.append(self.schema.values(source, batch)[0])
                labels.append(self.schema.labels(source, batch))
        return np.concatenate(values), np.concatenate(labels)

    def judged(self, filled: Floats) -> dict[str, Any]:
        """Give errors of amounts and shares of names."""
        names = self.train.categorical
        amounts = self.hidden & ~names & ~np.isnan(self.spread)
        wrong = np.square((filled - self.truth) / self.spread)
        right = filled == self.truth
        line: dict[str, Any] = {}
        for prefix, rows in (("", slice(None)), ("rare_", self.rare)):
            cells = amounts[rows]
            if cells.any():
                line[f"{prefix}rmse"] = float(np.sqrt(wrong[rows][cells].mean()))
            cells = (self.hidden & names)[rows]
            if cells.any():
                line[f"{prefix}accuracy"] = float(right[rows][cells].mean())
        return line

    def covered(self, low: Floats, high: Floats) -> dict[str, Any]:
        """Give the share of hidden amounts between two fills."""
        cells = self.hidden & ~self.train.categorical
        inside = (low <= self.truth) & (self.truth <= high)
        line = {"covered": float(inside[cells].mean())} if cells.any() else {}
        cells = cells[self.rare]
        if cells.any():
            line["rare_covered"] = float(inside[self.rare][cells].mean())
        return line


def report(book: Book) -> Iterator[str]:
    """Tell who comes near."""
    frame = figures_of(book, "by")
    for missing, part in frame.groupby("missing", sort=False):
        for figure in FIGURES:
            if figure not in part:
                continue
            tables = part.pivot_table(figure, "table", "by", "mean", sort=False)
            whole = tables.dropna(axis=1, thresh=len(tables) // 2).dropna()
            if whole.empty:
                continue
            yield f"\n== {figure}, missing cells: {missing} ==\n{text_of(tables)}"
            yield f"\n-- means over {len(whole)} tables --\n{whole.mean().round(4)}"
        seconds = part.pivot_table("seconds", "table", "by", "mean", sort=False)
        yield f"\n-- seconds --\n{text_of(seconds)}"


if __name__ == "__main__":
    sys.exit(run(Imputation(), __doc__, report))
