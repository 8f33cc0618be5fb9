"""Naming rare classes beside boosters, forests and oversampling, on public tables.

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/classification.py --out benchmark-results/classes.jsonl
    python tests/benchmarks/classification.py --summary benchmark-results/classes.jsonl

The tables are those of `catalogue.py` (README, Benchmark tables), at most 20,000 rows
of each, 30 % of them to test on, equal rows on one side. Ours run as programs, as a
user would start them, and their seconds hold start-up and reading; peers get the same
cells in memory. `--missing 0.3` blanks so many cells of train and test at random,
`--missing mar` 30 % depending on the value of another column. A line stands for a
table, seed, share of missing cells, model and rule; what the file holds is not
measured again, so that a run can be stopped and split.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from book import Book
from cases import Case, Split
from catalogue import labels_of
from contest import Contest, Ours, run
from judge import answer_faults, class_figures, floats
from standing import standings, text_of, told
from tables import Bench

from cbvae_cli.peers.classifiers import SOLVERS, classifier

LARGE = 5_000  # rows from which a calibration error can be told from chance
SHARE_COLUMN = "cbvae_p_"


class Classification(Contest):
    """Probabilities of classes."""

    ours = (
        Ours("cbvae", (), ("posterior", "likelihood", "error")),
        Ours("cbvae-paper", ("--preset", "paper"), ("error",)),
    )
    peers = tuple(SOLVERS)

    def split(self, case: Case, folder: Path) -> Split:
        """Take all rows."""
        return Split(case, folder, *case.halves())

    def ask(self, bench: Bench, split: Split, rule: str) -> dict[str, Any] | None:
        """Classify the test rows."""
        out = bench.file(rule)
        words = (bench.folder / "model.cbvae", bench.file("test"), "--rule", rule)
        if bench.run(rule, "classify", *words, "--only", "-o", out, "--force") is None:
            return None
        answers = bench.answered(rule)
        bench.faults += answer_faults(rule, answers, len(split.test))
        named = [n for n in answers.column_names if n.startswith(SHARE_COLUMN)]
        classes = [name.removeprefix(SHARE_COLUMN) for name in named]
        chances = np.column_stack([floats(answers[name]) for name in named])
        return _judged(split, chances, classes)

    def peer(self, name: str, split: Split, threads: int) -> dict[str, Any]:
        """Let a peer classify the test rows."""
        train, labels, test, classes = split.features()
        peer = classifier(name, threads)
        chances = peer.fit_predict(train, labels, test, split.case.seed)
        return _judged(split, chances, classes)


def _judged(split: Split, chances: Any, classes: Any) -> dict[str, Any]:
    public = split.case.public
    truth = labels_of(split.test, public.label)
    return class_figures(chances, classes, truth, public.minority)


def report(book: Book) -> Iterator[str]:
    """Tell who stands where."""
    for missing, standing in standings(book, "auprc").items():
        yield from told(standing, f"== AUPRC, missing cells: {missing} ==")
        large = {"high": False, "least_rows": LARGE}
        for figure in ("calibration_error", "log_loss"):
            found = standings(book, figure, **large).get(missing)
            if found is not None:
                title = f"-- {figure}, tables of {LARGE:,} rows or more --"
                yield from told(found, title, compare=False)
        seconds = standings(book, "seconds", high=False)[missing]
        yield f"\n-- seconds to train and answer --\n{text_of(seconds.by_table)}"


if __name__ == "__main__":
    sys.exit(run(Classification(), __doc__, report))
