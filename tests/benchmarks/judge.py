"""Are answers whole, and how good are they."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from catalogue import Public, labels_of
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

NUMERIC = ("numeric", "integer", "count")
BINS = 15  # of the calibration error, of equally many rows
LEAST_ROWS = 5  # of a class in the test rows, or its AUPRC is chance


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


def class_figures(
    probabilities: NDArray[np.float64],
    classes: Sequence[str],
    truth: NDArray[np.object_],
    minority: Sequence[str],
) -> dict[str, float]:
    """Judge probabilities of classes.

    Parameters
    ----------
    probabilities : float64 array, shape (n_rows, n_classes)
    classes : sequence of str
    truth : array of str, shape (n_rows,)
    minority : sequence of str
        Classes that are sought.

    Returns
    -------
    dict
        `auprc`, `auroc` and `calibration_error`: of the minority against the rest, or
        the mean over classes against the rest where there are more than two (those of
        `LEAST_ROWS` rows or more); `log_loss`, in nats; and `auprc_minority`, of all
        sought classes together.
    """
    foreign = sorted(set(truth) - set(classes))  # training had none of it
    names = np.array([*classes, *foreign], dtype=object)
    chances = np.pad(probabilities, ((0, 0), (0, len(foreign))))
    sought = np.isin(truth, minority)
    together = chances[:, np.isin(names, minority)].sum(axis=1)
    pairs = [(sought, together)]
    if len(names) > 2:
        each = [(truth == name, chances[:, at]) for at, name in enumerate(names)]
        pairs = [pair for pair in each if pair[0].sum() >= LEAST_ROWS]
    order = np.argsort(names.astype(str))  # as scikit-learn counts labels
    # The floor is for those never thought of; scikit-learn has one of its own.
    floored = chances[:, order].clip(1e-15)
    floored /= floored.sum(axis=1, keepdims=True)
    loss = log_loss(
        truth.astype(str),
        floored,
        labels=names[order].astype(str),
    )
    return {
        "auprc": float(np.mean([average_precision_score(*pair) for pair in pairs])),
        "auprc_minority": float(average_precision_score(sought, together)),
        "auroc": float(np.mean([roc_auc_score(*pair) for pair in pairs])),
        "log_loss": float(loss),
        "calibration_error": float(np.mean([calibration_error(*p) for p in pairs])),
    }


def calibration_error(truth: NDArray[np.bool_], chance: NDArray[np.float64]) -> float:
    """Give the mean distance of chances from frequencies, in bins of equal size."""
    order = np.argsort(chance, kind="stable")
    bins = np.array_split(order, BINS)
    gaps = [abs(chance[b].mean() - truth[b].mean()) * len(b) for b in bins if len(b)]
    return float(sum(gaps) / len(chance))


def strangeness_figures(
    scores: NDArray[np.float64], strange: NDArray[np.bool_]
) -> dict[str, float]:
    """Judge scores, of which higher ones are stranger."""
    return {
        "auroc": float(roc_auc_score(strange, scores)),
        "auprc": float(average_precision_score(strange, scores)),
    }
