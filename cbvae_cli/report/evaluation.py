"""What `evaluate` measured, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cbvae_cli.report.console import Talk
from cbvae_cli.report.glance import tell_at_a_glance
from cbvae_cli.table.wording import listed

MOST_COLUMNS = 12  # of a table that drifts
MOST_SPACES = 4  # shown; all are in the JSON
MOST_CALLED = 12  # classes that a table of calls has columns for
HEADS = {
    "auprc": "AUPRC",
    "auroc": "AUROC",
    "brier": "Brier",
    "ece": "ECE",
    "f1": "F1",
    "anomaly_auroc": "anomaly AUROC",
}
FILLS = {"impute_nrmse": "fill RMSE", "impute_accuracy": "fill accuracy"}
SINGLE = {
    "log_loss": "log loss",
    "mcc": "MCC",
    "balanced_accuracy": "balanced accuracy",
}


def tell(summary: Mapping[str, Any], talk: Talk) -> None:
    """Show all figures of a summary.

    Parameters
    ----------
    summary : mapping
        As `evaluate --json` gives it.
    talk : Talk
    """
    if summary["labelled"]:
        tell_at_a_glance(summary, talk)
        _tell_classes(summary, talk)
        _tell_fills(summary, talk)
        _tell_calls(summary, talk)
        _tell_promises(summary["coverage"], talk)
        _tell_likeness(summary.get("fidelity"), talk)
        _tell_levels(summary["em_mv"], talk)
    if summary["drift"]:
        _tell_drift(summary["drift"], talk)


def _tell_classes(summary: Mapping[str, Any], talk: Talk) -> None:
    heads = {key: head for key, head in HEADS.items() if summary[key]}
    fills = {key: head for key, head in FILLS.items() if summary.get(key)}
    rows: list[tuple[object, ...]] = [
        (
            name,
            count,
            *(_figure(summary[key]["classes"][name]) for key in (*heads, *fills)),
        )
        for name, count in summary["classes"].items()
    ]
    means = (_figure(summary[key]["macro"]) for key in heads)
    overall = (_figure(summary[key]["overall"]) for key in fills)
    rows.append(("mean; fills: all", summary["labelled"], *means, *overall))
    talk.table(
        f"How well is each class told apart and filled? (rule {summary['rule']})",
        ("class", "rows", *heads.values(), *fills.values()),
        rows,
    )
    said = [
        f"{name} {_figure(summary[key]['overall'])}"
        for key, name in SINGLE.items()
        if summary[key] and summary[key]["overall"] is not None
    ]
    talk.say(
        "best is 1 for AUPRC, AUROC, F1, accuracy and MCC, and 0 for Brier, ECE, log "
        "loss (nats a row) and fill RMSE (deviations of the column)"
    )
    if said:
        talk.say("all classes together: " + ", ".join(said))


def _tell_fills(summary: Mapping[str, Any], talk: Talk) -> None:
    numbers, names = (summary.get(key) for key in FILLS)
    if numbers and numbers["cells"]:
        talk.say(
            f"fill RMSE is of {numbers['cells']:,} hidden numbers, in deviations of "
            f"their columns; filled by the mean: {_figure(numbers['by_mean'])}"
        )
    if names and names["cells"]:
        talk.say(
            f"fill accuracy is of {names['cells']:,} hidden categories; filled by the "
            f"most frequent: {_figure(names['by_mode'])}"
        )


def _tell_calls(summary: Mapping[str, Any], talk: Talk) -> None:
    confusion = summary["confusion"]
    if not confusion or len(confusion) > MOST_CALLED:
        return
    for name, threshold in summary["thresholds"].items():
        talk.say(f"'{name}' is called from a probability of {threshold:.3g}")
    title = "What were rows called? (rows)"
    rows = [(true, *called.values()) for true, called in confusion.items()]
    talk.table(title, ("class", *(f"called {name}" for name in confusion)), rows)


def _tell_promises(coverage: Mapping[str, Any], talk: Talk) -> None:
    abstain, fpr = coverage["abstain"], coverage["fpr"]
    one, other = f"--abstain {abstain['alpha']:g}", f"--fpr {fpr['bound']:g}"
    for flag, found in ((one, abstain), (other, fpr)):
        if found["why"]:
            talk.say(f"nothing to show of {flag}: {found['why']}")
    rows = [] if abstain["why"] else _abstaining(abstain, one)
    rows += [] if fpr["why"] else _alarms(fpr, other)
    if rows:
        heads = ("what", "promise", "kept", "count", "rows", "share", "95 % interval")
        talk.table("Promises: are --abstain and --fpr kept? (shares)", heads, rows)
    if not fpr["why"] and fpr["usual"]:
        low, high = fpr["usual"]
        talk.say(
            f"{other} is kept on average over bundles: certified on "
            f"{fpr['certified_on']:,} rows, shares of {low:.4f} to {high:.4f} are usual"
        )


def _abstaining(abstain: Mapping[str, Any], flag: str) -> list[tuple[object, ...]]:
    rows = [
        (
            f"{flag}: rows of '{name}' that are ruled out for it",
            *_promised(found["promise"], found),
        )
        for name, found in abstain["ruled_out"]["classes"].items()
        if found["promise"] is not None and found["rows"]
    ]
    refused = abstain["none_of_these"]
    rows.append((f"{flag}: none of these", *_promised(None, refused["overall"])))
    if refused["unknown"]["rows"]:
        what = f"{flag}: the same, of classes that were not trained"
        rows.append((what, *_promised(None, refused["unknown"])))
    return rows


def _alarms(fpr: Mapping[str, Any], flag: str) -> list[tuple[object, ...]]:
    name, alarms = fpr["positive"], fpr["false_alarms"]["overall"]
    return [
        (f"{flag}: other rows called '{name}'", *_promised(fpr["bound"], alarms)),
        (f"{flag}: rows of '{name}' found", *_promised(None, fpr["found"])),
    ]


def _promised(promise: float | None, found: Mapping[str, Any]) -> tuple[object, ...]:
    """Give what was promised, whether it was kept, and the rate that was found."""
    told = None if promise is None else f"{promise:g}"
    if not found["rows"]:
        return (told, None, 0, 0, None, None)
    low, high = found["interval"]
    rate = (found["count"], found["rows"], _figure(found["share"]))
    return (told, _kept(promise, found), *rate, f"{low:.4f} to {high:.4f}")


def _kept(promise: float | None, found: Mapping[str, Any]) -> str | None:
    """Say whether a share keeps within a promise, as far as its interval can tell."""
    if promise is None:
        return None
    if found["share"] <= promise:
        return "yes"
    return "perhaps" if found["interval"][0] <= promise else "no"


def _tell_levels(found: Mapping[str, Any], talk: Talk) -> None:
    """Show EM-MV, never without the flagged share: the tightest may flag half."""
    rows = [
        (
            space["class"] or "shared by all",
            method,
            f"{measured['em']:.3g}",
            f"{measured['mv']:.3g}",
            *(
                _figure(found["methods"][method][key]) if number == 0 else None
                for key in ("share", "rmse")
            ),
        )
        for number, space in enumerate(found["spaces"][:MOST_SPACES])
        for method, measured in space["methods"].items()
    ]
    if not rows:
        return
    heads = ("space", "method", "EM", "MV", "flagged", "RMSE of classes")
    title = "Which detector fits the latent space best? (without labels)"
    talk.table(title, heads, rows)
    talk.say(
        "high EM and low MV are good, and compare within one space only; flagged, by "
        f"all spaces together: rows with a p-value up to {found['below']:g}; RMSE: of "
        "the classes' shares among those from their shares among all rows"
    )


def _tell_drift(drift: Mapping[str, Any], talk: Talk) -> None:
    columns = drift["columns"]
    order = sorted(columns, key=lambda name: -(columns[name]["distance"] or 0.0))
    rows = [
        (
            name,
            f"{columns[name]['missing']:.1%}",
            _figure(columns[name]["distance"]),
            _figure(columns[name]["by_chance"]),
            columns[name]["measure"],
            columns[name]["against"],
        )
        for name in order[:MOST_COLUMNS]
    ]
    title = "Which columns lie furthest from training? (distance, 0 to 1)"
    if len(order) > len(rows):
        title += f", {len(rows)} of {len(order)}"
    heads = ("column", "missing", "distance", "by chance", "measure", "against")
    talk.table(title, heads, rows)
    _tell_drifting(drift["drifting"], len(columns), talk)
    shares = [
        (name, _figure(found["training"]), _figure(found["estimated"]))
        for name, found in drift["shares"].items()
    ]
    title = "Did class shares change?"
    talk.table(title, ("class", "training", "estimated"), shares)
    low, nats = drift["p_values"]["found"], drift["evidence"]
    if low is not None and low["rows"]:
        talk.say(
            f"p-values below {drift['p_values']['below']:g}: {low['share']:.2%} of "
            f"{low['rows']:,} rows, where {drift['p_values']['expected']:.0%} are usual"
        )
    if nats["mean"] is not None:
        talk.say(
            f"evidence {nats['mean']:.3f} nats a seen cell; held-out rows of training "
            f"get {nats['held_out']:.3f}"
        )


def _tell_drifting(found: Mapping[str, Any], n_columns: int, talk: Talk) -> None:
    """Give the verdict, and what chance would have had a part in."""
    tested, drifting, level = found["tested"], found["columns"], found["level"]
    if not tested:
        talk.say("drift: no column can be tested")
        return
    verdict = f"none found in {tested} columns"
    if drifting:
        verdict = f"{len(drifting)} of {tested} columns drift: {listed(drifting)}"
    talk.say(
        f"drift: {verdict} (false discovery rate {level:.0%}, "
        f"Benjamini-Hochberg); without any drift about {found['by_chance']:.2g} of "
        f"{tested} would lie further than 'by chance'"
    )
    if tested < n_columns:
        talk.say(
            f"{n_columns - tested} columns are not tested: they have no cells, or the "
            "bundle kept nothing of theirs but what it can draw (synthetic rows)"
        )


def _tell_likeness(found: Mapping[str, Any] | None, talk: Talk) -> None:
    if found:
        talk.say(
            "rows that augment makes: mean distance of columns "
            f"{_figure(found['distance'])}; a booster tells them from these rows with "
            f"AUC {_figure(found['detection_auc'])} (.5 is chance)"
        )


def _figure(figure: float | None) -> str | None:
    return None if figure is None else f"{figure:.3f}"
