"""Every verb on every public table: seconds, memory and how good the answers are.

Run by hand, with the package installed together with its `dev` extra:

    python tests/benchmarks/tables.py [--tables fraud,adult] [--rows N] [--seed 0]

Needs the tables named in `catalogue.py` in the folder that CBVAE_BENCH_DATA names, by
default `../shared/data` beside the project; those that are not there are passed over.
Each is split 70/30 within its classes, equal rows on one side, and `cbvae train`,
`classify`, `impute`, `score` and `augment` run as programs of their own, as a user
would start them. Ends with 1 if any of them failed or an answer is not whole.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import child
import numpy as np
import pyarrow as pa
from catalogue import TABLES, Public, blanked, halves, read, write
from judge import answer_faults, fill_errors, impute_faults, minority_auprc

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("CBVAE_BENCH_DATA", ROOT.parent / "shared" / "data"))
BLANK_SHARE = 0.2
RULES = ("posterior", "likelihood", "error")
SYNTHETIC = 1000
MEBI = 2**20

HEADS = (
    *("table", "rows", "columns", "classes"),
    *("train s", "classify s", "impute s", "score s", "augment s"),
    *("train MB", "answer MB"),
    *("AUPRC posterior", "AUPRC likelihood", "AUPRC error"),
    *("RMSE label known", "label hidden", "by mean"),
    *("warnings", "faults"),
)
WIDTHS = [max(len(head), 9 if at else 20) for at, head in enumerate(HEADS)]


@dataclass
class Bench:
    """One table on its way through the verbs.

    Attributes
    ----------
    folder : Path
        Where its files lie.
    ending : str
        `".parquet"` or `".csv"`, as the source.
    threads : int
    seconds, peak : dict of str to float
        By run; peak memory in bytes.
    faults, warnings : list of str
    """

    folder: Path
    ending: str
    threads: int
    seconds: dict[str, float] = field(default_factory=dict)
    peak: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def file(self, name: str) -> Path:
        """Give the path of a table."""
        return self.folder / (name + self.ending)

    def run(self, name: str, verb: str, *words: object) -> dict[str, Any] | None:
        """Run a verb and give its summary, None if it failed."""
        summary = self.folder / f"{name}.json"
        command = [sys.executable, "-m", "cbvae_cli", verb, *map(str, words)]
        command += [f"--json={summary}", "--threads", str(self.threads)]
        ran = child.run(command)
        self.seconds[name], self.peak[name] = ran.wall, ran.peak
        if ran.code:
            told = (ran.told.strip() or "nothing said").splitlines()
            self.faults.append(f"{name}: exit {ran.code}: " + " / ".join(told[-4:]))
            return None
        if "Traceback" in ran.told or "Warning:" in ran.told:
            self.faults.append(f"{name}: python speaks: {ran.told.strip()[:300]}")
        found: dict[str, Any] = json.loads(summary.read_text())
        return found

    def answered(self, name: str) -> pa.Table:
        """Read what a run wrote."""
        return read(self.file(name))


def measure(public: Public, folder: Path, asked: argparse.Namespace) -> list[Any]:
    """Run every verb on one table; gives a row for the printed table."""
    source = DATA / public.file
    bench = Bench(folder, source.suffix, asked.threads)
    train, test = halves(public, DATA, asked.rows, asked.seed)
    hidden = blanked(test, public, BLANK_SHARE, asked.seed)
    write(train, bench.file("train"))
    write(test, bench.file("test"))
    write(hidden, bench.file("hidden"))
    bundle = folder / "model.cbvae"
    flags = [f"--exclude={name}" for name in public.exclude]
    flags += [f"--categorical={name}" for name in public.categorical]
    trained = bench.run(
        "train",
        *("train", bench.file("train"), "--label", public.label, "-o", bundle),
        *("--seed", asked.seed, *flags),
    )
    auprc: dict[str, float] = {}
    rmse: dict[str, tuple[float, float]] = {}
    if trained is not None:
        bench.warnings = trained["warnings"]
        for rule in RULES:
            auprc[rule] = classified(bench, bundle, rule, test, public)
        for name, flag in (("impute", []), ("blind", ["--hide", public.label])):
            rmse[name] = imputed(bench, bundle, name, flag, trained, train, test)
        scored(bench, bundle, test)
        augmented(bench, bundle, train, trained)
    for kind, lines in (("warning", bench.warnings), ("fault", bench.faults)):
        for line in lines:
            print(f"    {public.name}: {kind}: {line}", file=sys.stderr, flush=True)
    seconds, peak = bench.seconds, bench.peak
    answers = [size for name, size in peak.items() if name != "train"]
    nothing = (np.nan, np.nan)
    return [
        *(public.name, len(train) + len(test), len(modelled(trained))),
        len(trained["classes"]) if trained else 0,
        *(seconds.get(v, np.nan) for v in ("train", "posterior", "impute")),
        *(seconds.get(v, np.nan) for v in ("score", "augment")),
        *(peak.get("train", 0) / MEBI, max(answers, default=0) / MEBI),
        *(auprc.get(rule, np.nan) for rule in RULES),
        *(rmse.get(name, nothing)[0] for name in ("impute", "blind")),
        *(rmse.get("impute", nothing)[1], len(bench.warnings), len(bench.faults)),
    ]


def classified(
    bench: Bench, bundle: Path, rule: str, test: pa.Table, public: Public
) -> float:
    """Classify the test rows; gives the AUPRC of the minority."""
    out = bench.file(rule)
    words = (bundle, bench.file("test"), "--rule", rule, "--only", "-o", out)
    if bench.run(rule, "classify", *words) is None:
        return np.nan
    answers = bench.answered(rule)
    bench.faults += answer_faults(rule, answers, len(test))
    return minority_auprc(answers, test, public)


def imputed(
    bench: Bench,
    bundle: Path,
    name: str,
    flags: list[str],
    trained: dict[str, Any],
    train: pa.Table,
    test: pa.Table,
) -> tuple[float, float]:
    """Fill the hidden cells; gives the RMSE of numeric ones, and that of the mean."""
    out = bench.file(name)
    if bench.run(name, "impute", bundle, bench.file("hidden"), "-o", out, *flags):
        hidden, filled = bench.answered("hidden"), bench.answered(name)
        columns = trained["columns"]
        bench.faults += impute_faults(name, hidden, filled, columns)
        return fill_errors(columns, train, test, hidden, filled)
    return np.nan, np.nan


def scored(bench: Bench, bundle: Path, test: pa.Table) -> None:
    """Score the test rows."""
    out = bench.file("score")
    if bench.run("score", "score", bundle, bench.file("test"), "--only", "-o", out):
        bench.faults += answer_faults("score", bench.answered("score"), len(test))


def augmented(
    bench: Bench, bundle: Path, train: pa.Table, trained: dict[str, Any]
) -> None:
    """Make rows of the smallest class."""
    out = bench.file("augment")
    if not bench.run("augment", "augment", bundle, "-n", SYNTHETIC, "-o", out):
        return
    made = bench.answered("augment")
    left_out = {c["name"] for c in trained["columns"] if c["role"] == "excluded"}
    expected = [name for name in train.column_names if name not in left_out]
    if [name for name in made.column_names if name not in left_out] != expected:
        bench.faults.append("augment: columns are not those of the training table")
    whole = made.select([n for n in modelled(trained) if n in made.column_names])
    bench.faults += answer_faults("augment", whole, SYNTHETIC)


def modelled(trained: dict[str, Any] | None) -> list[str]:
    """Give the columns that a model learnt."""
    columns = trained["columns"] if trained else []
    return [c["name"] for c in columns if c["role"] == "modelled"]


def line(cells: list[Any]) -> str:
    """Set one row of the printed table."""
    found = []
    for cell, head, width in zip(cells, HEADS, WIDTHS, strict=True):
        if isinstance(cell, float):
            digits = 3 if head.startswith(("AUPRC", "RMSE", "label", "by")) else 1
            digits = 0 if head.endswith("MB") else digits
            cell = "-" if np.isnan(cell) else f"{cell:,.{digits}f}"
        elif isinstance(cell, int):
            cell = f"{cell:,}"
        found.append(cell.rjust(width) if found else cell.ljust(width))
    return "  ".join(found)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tables", help="names, by commas; default: all")
    parser.add_argument("--rows", type=int, help="rows of a table at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--threads", type=int, default=0, help="passed on to the verbs; 0: their own"
    )
    asked = parser.parse_args()
    if asked.tables is None:
        asked.tables = [name for name, t in TABLES.items() if (DATA / t.file).is_file()]
    else:
        asked.tables = asked.tables.split(",")
        for name in asked.tables:
            if name not in TABLES:
                parser.error(f"no table {name!r}; there are {', '.join(TABLES)}")
    if not asked.tables:
        parser.error(f"no table in {DATA}: set CBVAE_BENCH_DATA")
    return asked


def main() -> int:
    """Go through the tables; gives the exit code."""
    asked = arguments()
    print(
        "Columns: those that are modelled. AUPRC: of the minority on test rows (MNIST: "
        "mean over digits).\nRMSE: of the numeric cells among the "
        f"{BLANK_SHARE:.0%} hidden ones, in training deviations. MB: peak resident "
        "memory.\n"
    )
    print(line(list(HEADS)))
    print(line(["-" * width for width in WIDTHS]), flush=True)
    faults = 0
    for name in asked.tables:
        with tempfile.TemporaryDirectory() as folder:
            row = measure(TABLES[name], Path(folder), asked)
        faults += row[-1]
        print(line(row), flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
