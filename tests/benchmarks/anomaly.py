"""Finding strange rows after training on usual ones, beside other detectors.

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/anomaly.py --out benchmark-results/anomalies.jsonl
    python tests/benchmarks/anomaly.py --summary benchmark-results/anomalies.jsonl

Tables, splits, blanked cells and the file of figures are as in `classification.py`, but
the training rows are those outside the minority, under one label.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from book import Book
from cases import Case, Split
from catalogue import labels_of
from contest import Contest, Ours, run
from judge import floats, strangeness_figures
from standing import standings, told
from tables import Bench

from cbvae_cli.peers.detectors import SOLVERS, detector


class Anomaly(Contest):
    """Scores of strangeness."""

    ours = (Ours("cbvae", (), ("combined", "likelihood", "neighbours", "error")),)
    peers = tuple(SOLVERS)

    def split(self, case: Case, folder: Path) -> Split:
        """Take usual rows to train on, under one label, and all test rows."""
        train, test = case.halves()
        public = case.public
        usual = ~np.isin(labels_of(train, public.label), public.minority)
        return Split(case, folder, train.filter(pa.array(usual)), test)

    def ask(self, bench: Bench, split: Split, rule: str) -> dict[str, Any] | None:
        """Score the test rows, whose labels stay behind."""
        out = bench.file(rule)
        words = (bench.folder / "model.cbvae", bench.file("test"), "--method", rule)
        if bench.run(rule, "score", *words, "--only", "-o", out, "--force") is None:
            return None
        return _judged(split, floats(bench.answered(rule)["cbvae_score"]))

    def peer(self, name: str, split: Split, threads: int) -> dict[str, Any]:
        """Let a peer score the test rows."""
        train, _, test, _ = split.features()
        scores = detector(name, threads).fit_score(train, test, split.case.seed)
        return _judged(split, scores)


def _judged(split: Split, scores: Any) -> dict[str, Any]:
    public = split.case.public
    strange = np.isin(labels_of(split.test, public.label), public.minority)
    return strangeness_figures(scores, strange)


def report(book: Book) -> Iterator[str]:
    """Tell who stands where."""
    for figure in ("auroc", "auprc"):
        for missing, standing in standings(book, figure).items():
            title = f"== {figure.upper()}, missing cells: {missing} =="
            yield from told(standing, title)


if __name__ == "__main__":
    sys.exit(run(Anomaly(), __doc__, report))
