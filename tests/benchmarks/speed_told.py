"""Figures of speed as ratios, each beside what it was set beside in the same run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from statistics import median
from typing import Any

from book import Book, Key

CPU, WALL, MB = range(3)
# At most so many times the import, of what is promised.
PROMISED = {"cbvae": 2.0, "inspect": 3.0, "classify": 1.3}
# At least such a share of doing nothing, of `classify` on CSV.
SHARES = {"fast": 1 / 4, "default": 1 / 10}
MOST_GROWN, MOST_MB = 1.2, 700
MOST_TRAINING = 600.0  # processor seconds: five minutes on two cores
SIZE = re.compile(r"(\d+)x(\d+)(\..*)")


def told(book: Book) -> Iterator[str]:
    """Tell every part that was measured."""
    lines = book.lines
    for title, part, tell in (
        ("Start-up: processor seconds / those of the import", "startup", _startup),
        ("Answers after start-up: share of doing nothing; memory", "answers", _answers),
        ("Training: processor seconds, growth, memory", "training", _training),
    ):
        own = {key: line for key, line in lines.items() if key.missing == part}
        if own:
            yield f"== {title} =="
            yield from tell(own)
            yield ""


def _startup(lines: dict[Key, dict[str, Any]]) -> Iterator[str]:
    for key, line in lines.items():
        name = f"{key.rule} ({key.table}) / import {key.model}"
        if "why" in line:
            yield f"{name:48} {line['why']}"
            continue
        each = zip(line["ours"], line["other"], strict=True)
        ratio = median(ours[CPU] / other[CPU] for ours, other in each)
        most = PROMISED.get(key.rule)
        verdict = "" if most is None else _verdict(ratio <= most, f"at most {most}")
        yield f"{name:48} {ratio:5.2f}  {_of(line, MB):6.0f} MB  {verdict}"


def _answers(lines: dict[Key, dict[str, Any]]) -> Iterator[str]:
    starts, peaks = {}, {}
    for key, line in lines.items():
        n_rows, ending = _size(key)
        of = key.model, key.rule, ending
        name = f"{key.rule} {key.model} {key.table}"
        if "why" in line:
            yield f"{name:48} {line['why']}"
            continue
        if of not in starts:  # the fewest rows stand first
            starts[of] = line
            continue
        ours, floor = (
            _of(line, CPU, who) - _of(starts[of], CPU, who) for who in ("ours", "other")
        )
        peak = _of(line, MB)
        grown = peak / peaks.setdefault(of, peak)
        verdict = _verdict(grown <= MOST_GROWN and peak < MOST_MB, "memory")
        share = floor / ours
        if key.rule == "classify" and ending == ".csv":
            least = SHARES[key.model]
            verdict += "; " + _verdict(share >= least, f"at least 1/{1 / least:.0f}")
        yield (
            f"{name:40} {share:6.3f}  {1e6 * ours / n_rows:6.1f} us a row  "
            f"{peak:5.0f} MB, x{grown:.2f}  {verdict}"
        )


def _training(lines: dict[Key, dict[str, Any]]) -> Iterator[str]:
    for key, line in lines.items():
        name = f"{key.model} {key.table}"
        if "why" in line:
            yield f"{name:32} {line['why']}"
            continue
        seconds, wall, peak = (_of(line, which) for which in (CPU, WALL, MB))
        rival = lines.get(Key(key.table, key.seed, key.missing, "mlp", key.rule), {})
        beside = f"x{seconds / _of(rival, CPU):.2f} mlp" if "ours" in rival else ""
        verdict = ""
        if key.model == "default" and _size(key)[0] == 10**6:
            verdict = _verdict(seconds <= MOST_TRAINING, f"at most {MOST_TRAINING:g} s")
        yield (
            f"{name:32} {seconds:8.1f} s  {wall:8.1f} s gone by  {peak:6.0f} MB  "
            f"{beside:10}  {verdict}"
        )


def _size(key: Key) -> tuple[int, str]:
    found = SIZE.fullmatch(key.table)
    assert found is not None
    return int(found[1]), found[3]


def _of(line: dict[str, Any], which: int, who: str = "ours") -> float:
    return float(median(cost[which] for cost in line[who]))


def _verdict(kept: bool, promise: str) -> str:
    return f"{'kept' if kept else 'MISSED'}: {promise}"
