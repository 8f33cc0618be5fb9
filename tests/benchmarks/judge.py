"""Are answers whole, and how good are they."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from catalogue import Public, labels_of
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

NUMERIC = ("numeric", "integer", "count")


def floats(cells: pa.ChunkedArray) -> NDArray[np.float64]:
    """Give a column of numbers, text or not; NaN where missing."""
    return np.array(cells.cast(pa.float64()).to_pandas(), dtype=float)


def minority_auprc(answers: pa.Table, test: pa.Table, public: Public) -> float:
    """Give the AUPRC of the minority, or the mean over classes where none is one."""
    truth = labels_of(test, public.label)
    known = {
        name.removeprefix("cbvae_p_"): floats(answers[name])
        for name in answers.column_names
        if name.startswith("cbvae_p_")
    }
    if public.minority:
        chance = sum(known[name] for name in public.minority if name in known)
        return float(average_precision_score(np.isin(truth, public.minority), chance))
    each = [average_precision_score(truth == name, p) for name, p in known.items()]
    return float(np.mean(each))


def answer_faults(name: str, answers: pa.Table, n_rows: int) -> list[str]:
    """Say what is wrong with the shape of an answer."""
    faults = []
    if len(answers) != n_rows:
        faults.append(f"{name}: {len(answers)} rows instead of {n_rows}")
    for column in answers.column_names:
        cells = answers[column]
        if cells.null_count:
            faults.append(f"{name}: {cells.null_count} empty cells in '{column}'")
        elif pa.types.is_floating(cells.type) and not np.isfinite(floats(cells)).all():
            faults.append(f"{name}: not finite in '{column}'")
    shares = [n for n in answers.column_names if n.startswith("cbvae_p_")]
    if shares:
        total = sum(floats(answers[n]) for n in shares)
        if np.abs(total - 1).max() > 1e-6:
            faults.append(f"{name}: probabilities do not sum to one")
    return faults


def impute_faults(
    name: str, hidden: pa.Table, filled: pa.Table, columns: Sequence[dict[str, Any]]
) -> list[str]:
    """Say which cells are still empty, and which were changed but held a value."""
    if filled.column_names != hidden.column_names or len(filled) != len(hidden):
        return [f"{name}: rows or columns are not those of the input"]
    faults = []
    modelled = {c["name"] for c in columns if c["role"] == "modelled"}
    for column in hidden.column_names:
        before, after = hidden[column], filled[column]
        if before.type != after.type:
            faults.append(f"{name}: '{column}' became {after.type}")
            continue
        kept = before.is_valid()
        same = pc.equal(before, after).fill_null(False)
        changed = pc.sum(pc.and_not(kept, same)).as_py()
        if changed:
            faults.append(f"{name}: {changed} cells of '{column}' were changed")
        if column in modelled and after.null_count:
            faults.append(f"{name}: {after.null_count} cells of '{column}' stay empty")
    return faults


def fill_errors(
    columns: Sequence[dict[str, Any]],
    train: pa.Table,
    test: pa.Table,
    hidden: pa.Table,
    filled: pa.Table,
) -> tuple[float, float]:
    """Give the RMSE of hidden numeric cells in training deviations: ours, the mean's.

    Columns that do not vary in training have no deviation and are passed over.
    """
    ours, mean = [np.empty(0)], [np.empty(0)]
    for column in columns:
        name = column["name"]
        if column["kind"] not in NUMERIC:
            continue
        seen = floats(train[name])
        truth, blank = floats(test[name]), np.isnan(floats(hidden[name]))
        at = blank & ~np.isnan(truth)
        deviation = np.nanstd(seen)
        ours.append((floats(filled[name])[at] - truth[at]) / deviation)
        mean.append((np.nanmean(seen) - truth[at]) / deviation)
    wrong, plain = np.concatenate(ours), np.concatenate(mean)
    if not len(wrong):
        return float("nan"), float("nan")
    return float(np.sqrt(np.mean(wrong**2))), float(np.sqrt(np.mean(plain**2)))
