"""Shares of classes other than in training: what moves along, and what must not."""

from __future__ import annotations

import numpy as np

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.cells import Floats

SAME_MIX = 1e-6  # what shares of the other classes may differ by and count as kept


def reweighted(log_p: Floats, training_shares: Floats, new_shares: Floats) -> Floats:
    """Move probabilities to rows in which the classes have other shares.

    The odds of two classes are multiplied by new over training share of one over
    the other: exact when p(row given class) is unchanged (Saerens, Latinne &
    Decaestecker 2002).

    Parameters
    ----------
    log_p : float64 array, shape (n_rows, n_classes)
    training_shares : float64 array, shape (n_classes,)
        Above 0.
    new_shares : float64 array, shape (n_classes,)
        0 for a class that cannot occur.

    Returns
    -------
    float64 array, shape (n_rows, n_classes)
        A row that only classes of share 0 could explain gets the new shares.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(new_shares)
    moved = log_p + (logs - np.log(training_shares))
    total = np.logaddexp.reduce(moved, axis=1, keepdims=True)
    explained = np.isfinite(total)
    return np.where(explained, moved - np.where(explained, total, 0.0), logs)


def follow(
    threshold: float, positive: int, training_shares: Floats, new_shares: Floats
) -> float:
    """Move the stored default threshold along with re-weighted probabilities.

    The default threshold t, found on rows with training shares, says p >= t. By
    Bayes' rule that is a cut on the likelihood ratio of the positive class against
    the others: ratio >= odds(t) / odds(training share). New shares leave the ratio
    as it is and multiply the odds of p by odds(new share) / odds(training share).
    Multiplied by the same factor, the threshold is the same cut on the ratio:
    with two classes, `--prior` by itself changes probabilities and not one
    label. (With more, the others' mixture is part of the ratio and moves with their
    shares.) It is not the threshold of best F1 under the new shares: F1 depends on
    them, and no row with those shares was seen.

    Only the stored default follows. A threshold that a user gives is compared with
    the re-weighted probability as it stands.

    Parameters
    ----------
    threshold : float
        A probability of the positive class under training shares.
    positive : int
    training_shares, new_shares : float64 array, shape (n_classes,)

    Returns
    -------
    float
        A probability under the new shares. Where the positive class has share 0 or
        1, every threshold says the same, and it is returned as it is.
    """
    from scipy.special import expit, logit

    if not 0 < new_shares[positive] < 1:
        return threshold
    shift = _log_odds_shift(positive, training_shares, new_shares)
    return float(expit(logit(threshold) + shift))


def follow_cut(
    cut: float, positive: int, training_shares: Floats, new_shares: Floats
) -> float:
    """Move a certified cut along with re-weighted log-odds.

    False alarms are a share of the other classes' rows, so the bound does not depend
    on how frequent the positive class is: log-odds and cut move by the same number,
    and the same rows are called. It does depend on the mixture of the other classes,
    which is certified as training had it.

    Parameters
    ----------
    cut : float
        From `Certificate.cut`.
    positive : int
    training_shares, new_shares : float64 array, shape (n_classes,)

    Returns
    -------
    float
        For `FalseAlarms` on re-weighted log p; inf where the positive class cannot
        occur.

    Raises
    ------
    UsageProblem
        If the new shares mix the other classes anew, or leave none of them.
    """
    before = np.delete(training_shares, positive)
    after = np.delete(new_shares, positive)
    if not after.sum() > 0:
        raise UsageProblem(
            "--prior leaves no class but the positive one: there are no false alarms "
            "to bound",
            hint="leave --fpr out",
        )
    mixes = before / before.sum(), after / after.sum()
    if not np.allclose(*mixes, rtol=0, atol=SAME_MIX):
        raise UsageProblem(
            "--fpr holds for the other classes mixed as in training, and --prior "
            "mixes them anew",
            expected="shares of the other classes in their training proportions",
            hint="leave --prior out, or give a --threshold in place of --fpr",
        )
    if not new_shares[positive] > 0:
        return float("inf")
    return cut + _log_odds_shift(positive, training_shares, new_shares)


def _log_odds_shift(
    positive: int, training_shares: Floats, new_shares: Floats
) -> float:
    """Give the log of odds(new share) / odds(training share), shares normalised."""

    def logs(shares: Floats) -> float:
        return float(np.log(shares[positive] / np.delete(shares, positive).sum()))

    return logs(new_shares) - logs(training_shares)
