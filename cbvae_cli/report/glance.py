"""The few figures of `evaluate` that matter most, each with what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cbvae_cli.report.console import Talk
from cbvae_cli.table.wording import listed, shown

Found = Mapping[str, Any]
Line = tuple[str, str, str]

MOST_CLASSES = 6  # that are named with their rows


def tell_at_a_glance(summary: Found, talk: Talk) -> None:
    """Show what was measured, on which rows, in one short table."""
    classes = summary["classes"]
    named = [f"{name} {n:,}" for name, n in list(classes.items())[:MOST_CLASSES]]
    more = len(classes) - len(named)
    talk.say(
        f"measured on {summary['labelled']:,} labelled rows of {len(classes)} "
        f"{'classes' if len(classes) > 1 else 'class'}: {', '.join(named)}"
        + (f" and {more} more" if more else "")
    )
    lines = [
        *_ranking(summary),
        *_calls(summary),
        *_probabilities(summary),
        *_fills(summary),
        *_anomalies(summary),
    ]
    if lines:
        talk.table("At a glance", ("figure", "value", "what it says"), lines)
    _tell_small(summary["coverage"]["abstain"], classes, talk)


def _ranking(summary: Found) -> Iterator[Line]:
    name = summary["positive"]
    found = summary["auprc"] and summary["auprc"]["classes"][name]
    if found is not None:
        chance = summary["classes"][name] / summary["labelled"]
        says = f"rows of {shown(name)} rank first: 1 is perfect, {chance:.3f} is chance"
        yield f"AUPRC of {shown(name)}", f"{found:.3f}", says


def _calls(summary: Found) -> Iterator[Line]:
    confusion, name = summary["confusion"], summary["positive"]
    if not confusion:
        return
    right = confusion[name][name]
    own = sum(confusion[name].values())
    called = sum(row[name] for row in confusion.values())
    if own:
        says = f"{right:,} of {own:,} rows of {shown(name)} are called so"
        yield f"found of {shown(name)}", f"{right / own:.1%}", says
    if called:
        says = f"{right:,} of {called:,} rows called {shown(name)} are of it"
        yield f"right among {shown(name)} calls", f"{right / called:.1%}", says


def _probabilities(summary: Found) -> Iterator[Line]:
    found = summary["ece"] and summary["ece"]["macro"]
    if found is not None:
        says = "mean distance of probabilities from shares that come true (0 is best)"
        yield "calibration error", f"{found:.3f}", says


def _fills(summary: Found) -> Iterator[Line]:
    numbers, names = summary["impute_nrmse"], summary["impute_accuracy"]
    if numbers and numbers["overall"] is not None:
        mean = numbers["by_mean"]
        says = "deviations of the column, usual error of a filled number"
        if mean is not None:
            says += f"; {mean:.3f} if filled by the mean"
        yield "error of filled numbers", f"{numbers['overall']:.3f}", says
    if names and names["overall"] is not None:
        mode = names["by_mode"]
        says = "of filled categories are the true ones"
        if mode is not None:
            says += f"; {mode:.1%} if filled by the most frequent"
        yield "right filled categories", f"{names['overall']:.1%}", says


def _anomalies(summary: Found) -> Iterator[Line]:
    found = summary["anomaly_auroc"] and summary["anomaly_auroc"]["macro"]
    if found is not None:
        says = (
            "chance that a row of a class is stranger for the other classes than their "
            "own rows (0.5 is guessing), mean over classes"
        )
        yield "anomaly AUROC", f"{found:.3f}", says


def _tell_small(abstain: Found, classes: Found, talk: Talk) -> None:
    """Name the classes of which --abstain can say nothing."""
    small = [n for n in abstain.get("cannot_be_ruled_out", ()) if n in classes]
    if small:
        talk.say(
            f"too small to be judged under --abstain {abstain['alpha']:g}: "
            f"{listed(small)}; nothing is promised for their rows, and only those "
            "stranger than all that training held out are refused"
        )
