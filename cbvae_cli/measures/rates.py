"""Shares of rows, with what chance leaves open."""

from __future__ import annotations

from typing import Any

LEVEL = 0.95  # chance that an interval holds the rate behind the share


def rate(count: int, n_rows: int) -> dict[str, Any]:
    """Give a share of rows and its Clopper-Pearson interval (scipy's).

    Returns
    -------
    dict
        `count`, `rows`, `share` and `interval`; None for the last two without rows.
    """
    found: dict[str, Any] = {"count": int(count), "rows": int(n_rows)}
    if not n_rows:
        return {**found, "share": None, "interval": None}
    from scipy.stats import binomtest

    interval = binomtest(int(count), int(n_rows)).proportion_ci(LEVEL, method="exact")
    ends = [float(interval.low), float(interval.high)]
    return {**found, "share": count / n_rows, "interval": ends}


def kept_range(rank: int, n_certified: int, n_rows: int) -> list[float] | None:
    """Give the shares of false alarms that are usual where the bound is kept.

    The rate above the `rank`-th highest of n certified scores follows a beta
    distribution, and the count among new rows a beta-binomial one (scipy's).

    Parameters
    ----------
    rank : int
        Of the cut among the scores, from the highest: 1 is the highest.
    n_certified, n_rows : int

    Returns
    -------
    list of two floats, or None
        Both tails together hold 1 - `LEVEL`.
    """
    if not n_rows:
        return None
    from scipy.stats import betabinom

    counts = betabinom(n_rows, rank, n_certified + 1 - rank).interval(LEVEL)
    return [float(count / n_rows) for count in counts]
