"""Ours as programs and peers as libraries, case by case, into one book of figures."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from book import Book, Key
from cases import CASES, DATA, DIGITS, MAR, Case, Split
from tables import Bench

from cbvae_cli.errors import CBVAEError
from cbvae_cli.peers.features import CannotRun

SHARES = ("0", "0.1", "0.3", "0.5", MAR)


@dataclass(frozen=True)
class Ours:
    """A way of training with this tool.

    Attributes
    ----------
    name : str
    flags : tuple of str
        Of `train`.
    rules : tuple of str
        Of `classify`, or methods of `score`.
    """

    name: str
    flags: tuple[str, ...]
    rules: tuple[str, ...]


class Contest(ABC):
    """What is compared, and how.

    Attributes
    ----------
    ours : tuple of Ours
    peers : tuple of str
    figure : str
        Told while it is measured.
    """

    ours: ClassVar[tuple[Ours, ...]]
    peers: ClassVar[tuple[str, ...]]
    figure: ClassVar[str] = "auprc"

    @abstractmethod
    def split(self, case: Case, folder: Path) -> Split:
        """Take the rows of a case."""

    @abstractmethod
    def ask(self, bench: Bench, split: Split, rule: str) -> dict[str, Any] | None:
        """Let the trained bundle answer by a rule; None if it failed."""

    @abstractmethod
    def peer(self, name: str, split: Split, threads: int) -> dict[str, Any]:
        """Let a peer answer."""

    def run(self, cases: Sequence[Case], models: set[str], asked: Any) -> None:
        """Measure what the book lacks."""
        book = Book(asked.out, again=asked.again)
        for case in cases:
            ours = [one for one in self.ours if one.name in models]
            keys = {(one.name, rule) for one in ours for rule in one.rules}
            keys |= {(name, "") for name in self.peers if name in models}
            at = (case.table, case.seed, case.missing)
            lacking = {key for key in keys if book.lacks(Key(*at, *key))}
            if not lacking:
                continue
            with tempfile.TemporaryDirectory() as folder:
                split = self.split(case, Path(folder))
                split.write()
                rows = {"rows": len(split.train) + len(split.test)}
                for key, line in self._measured(split, ours, lacking, asked.threads):
                    book.add(Key(*at, *key), rows | line)
                    found = line.get(self.figure, float("nan"))
                    said = line.get("why") or f"{self.figure} {found:.4f}"
                    print(*at, *key, said, file=sys.stderr, flush=True)

    def _measured(
        self,
        split: Split,
        ours: Sequence[Ours],
        lacking: set[tuple[str, str]],
        threads: int,
    ) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
        for one in ours:
            rules = [rule for rule in one.rules if (one.name, rule) in lacking]
            if rules:
                yield from self._programs(split, one, rules, threads)
        for name in self.peers:
            if (name, "") in lacking:
                begun = time.perf_counter()
                try:
                    line = self.peer(name, split, threads)
                except (CannotRun, CBVAEError) as reason:
                    yield (name, ""), {"why": str(reason)}
                    continue
                seconds = round(time.perf_counter() - begun, 3)
                yield (name, ""), {"seconds": seconds} | line

    def _programs(
        self, split: Split, one: Ours, rules: Sequence[str], threads: int
    ) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
        """Train once and answer by every rule."""
        bench = Bench(split.folder, split.ending, threads)
        case = split.case
        bundle = split.folder / "model.cbvae"
        words = (*case.flags, "--seed", case.seed, *one.flags, "-o", bundle, "--force")
        bench.run("training", "train", bench.file("train"), *words)
        for rule in rules:
            line = None if bench.faults else self.ask(bench, split, rule)
            if line is None or bench.faults:
                yield (one.name, rule), {"why": "; ".join(bench.faults)}
                bench.faults = [f for f in bench.faults if f.startswith("training")]
                continue
            train, answer = bench.seconds["training"], bench.seconds[rule]
            seconds = {"train_seconds": train, "answer_seconds": answer}
            line |= {name: round(found, 3) for name, found in seconds.items()}
            yield (one.name, rule), line | {"seconds": round(train + answer, 3)}


def arguments(doc: str, contest: Contest) -> argparse.Namespace:
    """Read the command line."""
    names = [one.name for one in contest.ours] + list(contest.peers)
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--out", type=Path, help="file of figures, one JSON a line")
    parser.add_argument(
        "--summary", type=Path, metavar="FILE", help="measure nothing; tell of FILE"
    )
    parser.add_argument("--tables", help="names, by commas; default: all but digits")
    parser.add_argument("--digits", action="store_true", help="digits of MNIST too")
    parser.add_argument("--seeds", default="0,1,2", help="by commas")
    parser.add_argument(
        "--missing", default="0", help=f"out of {','.join(SHARES)}, by commas"
    )
    parser.add_argument("--models", help=f"out of {','.join(names)}; default: all")
    parser.add_argument("--threads", type=int, default=1, help="0: all cores")
    parser.add_argument(
        "--again", action="store_true", help="try again what could not be measured"
    )
    asked = parser.parse_args()
    if (asked.out is None) is (asked.summary is None):
        parser.error("give --out FILE to measure, or --summary FILE to tell")
    asked.models = set(asked.models.split(",")) if asked.models else set(names)
    asked.missing = asked.missing.split(",")
    usual = [
        name
        for name, public in CASES.items()
        if (DATA / public.file).is_file() and (asked.digits or name not in DIGITS)
    ]
    asked.tables = asked.tables.split(",") if asked.tables else usual
    for flag, given, known in (
        ("--models", asked.models, names),
        ("--missing", asked.missing, SHARES),
        ("--tables", asked.tables, CASES),
    ):
        for word in given:
            if word not in known:
                parser.error(f"{flag} {word!r}: there are {', '.join(known)}")
    if not asked.tables:
        parser.error(f"no table in {DATA}: set CBVAE_BENCH_DATA")
    return asked


def run(
    contest: Contest, doc: str | None, report: Callable[[Book], Iterator[str]]
) -> int:
    """Measure, or tell: the whole of a contest's script."""
    asked = arguments(doc or "", contest)
    if asked.summary is not None:
        print("\n".join(report(Book(asked.summary))))
        return 0
    hold_threads(asked.threads)
    contest.run(cases_of(asked), asked.models, asked)
    return 0


def cases_of(asked: argparse.Namespace) -> list[Case]:
    """List the cases that were asked for, seed after seed."""
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    return [
        Case(table, seed, missing)
        for missing, seed, table in itertools.product(
            asked.missing, seeds, asked.tables
        )
    ]


def hold_threads(threads: int) -> None:
    """Let programs and libraries take no more threads than asked for."""
    if threads:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = str(threads)
