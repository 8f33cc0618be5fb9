"""How much made rows look like real ones: columns, pairs of columns, and as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.table.cells import Bools, Floats

LEAST_ROWS = 20  # on either side
MOST_PLACES = 10  # categories of a column that pairs look at
FOLDS = 5
ROUNDS = 60  # of the booster that tells rows apart
KS, TV = "kolmogorov-smirnov", "total variation"


def fidelity(real: Floats, made: Floats, categorical: Bools, seed: int) -> Any:
    """Compare made rows with real ones.

    Parameters
    ----------
    real, made : float64 array, shape (n_rows, n_columns)
        NaN where missing; codes in categorical columns.
    categorical : bool array, shape (n_columns,)
    seed : int

    Returns
    -------
    dict or None
        `columns`: for each, `measure` and `distance`, 0 to 1, None without cells;
        `distance`: their mean; `correlation_error`: mean absolute difference of rank
        correlations over pairs of columns, None where there is no pair;
        `detection_auc`: of a booster that tells made rows from real ones on rows it
        did not learn from, .5 is chance. None where there are too few rows.
    """
    if min(len(real), len(made)) < LEAST_ROWS:
        return None
    columns = [
        column_distance(a, b, names=bool(names))
        for a, b, names in zip(real.T, made.T, categorical, strict=True)
    ]
    known = [found["distance"] for found in columns if found["distance"] is not None]
    return {
        "columns": columns,
        "distance": float(np.mean(known)) if known else None,
        "correlation_error": correlation_error(real, made, categorical),
        "detection_auc": detection_auc(real, made, categorical, seed),
    }


def column_distance(real: Floats, made: Floats, *, names: bool) -> dict[str, Any]:
    """Give the distance of two samples of a column: scipy's KS, or total variation."""
    from scipy.stats import ks_2samp

    measure = TV if names else KS
    a, b = real[~np.isnan(real)], made[~np.isnan(made)]
    if not len(a) or not len(b):
        return {"measure": measure, "distance": None}
    if not names:
        return {"measure": measure, "distance": float(ks_2samp(a, b).statistic)}
    codes, place = np.unique(np.concatenate([a, b]), return_inverse=True)
    shares = [
        np.bincount(part, minlength=len(codes)) / len(part)
        for part in (place[: len(a)], place[len(a) :])
    ]
    return {
        "measure": measure,
        "distance": float(np.abs(np.subtract(*shares)).sum() / 2),
    }


def correlation_error(real: Floats, made: Floats, categorical: Bools) -> float | None:
    """Give the mean absolute difference of correlations over pairs of columns.

    Ranks stand for numbers and one column of zeros and ones for each frequent
    category; missing cells count as their column's mean.
    """
    spread, owner = _spread(np.concatenate([real, made]), categorical, len(real))
    a, b = (_correlations(part) for part in np.split(spread, [len(real)]))
    pairs = owner[:, None] < owner[None, :]
    if not pairs.any():
        return None
    return float(np.abs(a - b)[pairs].mean())


def _spread(
    rows: Floats, categorical: Bools, n_real: int
) -> tuple[Floats, NDArray[np.int64]]:
    from scipy.stats import rankdata

    found, owner = [], []
    for at, cells in enumerate(rows.T):
        if not categorical[at]:
            found.append(rankdata(cells, nan_policy="omit"))
            owner.append(at)
            continue
        seen = cells[:n_real][~np.isnan(cells[:n_real])]
        codes, counts = np.unique(seen, return_counts=True)
        frequent = codes[np.argsort(-counts, kind="stable")][:MOST_PLACES]
        # Two categories say the same twice.
        for code in frequent[1:] if len(frequent) == 2 else frequent:
            found.append(np.where(np.isnan(cells), np.nan, cells == code))
            owner.append(at)
    if not found:
        return np.empty((len(rows), 0)), np.empty(0, dtype=np.int64)
    return np.stack(found, axis=1), np.array(owner)


def _correlations(rows: Floats) -> Floats:
    seen = ~np.isnan(rows)
    centred = np.where(seen, rows, 0.0)
    mean = centred.sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    centred = np.where(seen, rows - mean, 0.0)
    length = np.sqrt((centred**2).sum(axis=0))
    units = centred / np.where(length > 0, length, 1.0)
    found: Floats = units.T @ units
    return found


def detection_auc(real: Floats, made: Floats, categorical: Bools, seed: int) -> float:
    """Give how well a booster (scikit-learn's) tells made rows from as many real ones.

    Returns
    -------
    float
        Area under the ROC curve over rows that it did not learn from.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    rng = np.random.default_rng([seed, 31])
    most = min(len(real), len(made))
    rows = np.concatenate(
        [part[rng.permutation(len(part))[:most]] for part in (real, made)]
    )
    truth = np.repeat([0, 1], most)
    codes = np.nanmax(np.where(np.isnan(rows), -1, rows), axis=0)
    booster = HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        early_stopping=False,
        categorical_features=categorical & (codes < 255) & (codes >= 0),
        random_state=seed,
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    said = cross_val_predict(booster, rows, truth, cv=folds, method="predict_proba")
    return float(roc_auc_score(truth, said[:, 1]))
