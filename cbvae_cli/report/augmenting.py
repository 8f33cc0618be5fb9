"""What `augment` made and what its rows are worth, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cbvae_cli.report.console import Talk

MOST_COLUMNS = 12  # furthest from the real rows


def tell(summary: Mapping[str, Any], talk: Talk) -> None:
    """Show a summary as `augment --json` gives it."""
    if "ratio" in summary:
        _tell_amount(summary["ratio"], talk)
    _tell_rows(summary, talk)
    if summary.get("fidelity"):
        _tell_fidelity(summary["fidelity"], talk)
    if "fidelity" not in summary and summary["rows"]:
        talk.say(
            "nothing is measured: --data TABLE, the training table, gives figures on "
            "how near they are to real rows; --gate HELDOUT beside it says whether "
            "they help"
        )
    if summary.get("privacy"):
        _tell_privacy(summary["privacy"], talk)
    if "gate" in summary:
        _tell_gate(summary, talk)


def _tell_rows(summary: Mapping[str, Any], talk: Talk) -> None:
    if not summary["rows"]:
        talk.say("made no rows" + _why_none(summary))
    for name, n_rows in summary["classes"].items():
        talk.say(f"made {n_rows:,} rows of class '{name}'")
    if "original_rows" in summary:
        talk.say(f"they stand behind {summary['original_rows']:,} real rows")


def _why_none(summary: Mapping[str, Any]) -> str:
    """Say why --ratio auto made nothing, and what the output holds then."""
    why = ""
    if len(summary.get("ratio", {}).get("tried", ())) > 1:
        why = (
            ": no amount gains more than its standard error without a loss to either "
            "classifier"
        )
    return why if "original_rows" in summary else f"{why}; the output is a header alone"


def _tell_amount(ratio: Mapping[str, Any], talk: Talk) -> None:
    *_, last = ratio["tried"]
    rows = [
        (
            f"{one['share']:.0%}",
            *(f"{change:+.4f}" for change in one["judges"].values()),
            f"{one['auprc_change']:+.4f}",
            f"{one['error']:.4f}",
        )
        for one in ratio["tried"][1:]
    ]
    if rows:
        heads = ("share of the way", *last["judges"], "mean", "standard error")
        title = "Change of AUPRC by amount, on rows held out of --data"
        talk.table(title, heads, rows)
    talk.say(f"chosen: {ratio['chosen']:.0%} of the way to balance")


def _tell_fidelity(found: Mapping[str, Any], talk: Talk) -> None:
    columns = {
        name: one
        for name, one in found["columns"].items()
        if one["distance"] is not None
    }
    order = sorted(columns, key=lambda name: -columns[name]["distance"])
    rows = [
        (name, f"{columns[name]['distance']:.3f}", columns[name]["measure"])
        for name in order[:MOST_COLUMNS]
    ]
    title = "Columns furthest from the real rows"
    if len(order) > len(rows):
        title += f", {len(rows)} of {len(order)}"
    talk.table(title, ("column", "distance", "measure"), rows)
    talk.say(
        "a booster tells made rows from real ones with AUC "
        f"{found['detection_auc']:.3f} (.5 is chance)"
    )


def _tell_privacy(found: Mapping[str, Any], talk: Talk) -> None:
    near, share = found["near_copies"], found["closest_record_share"]
    talk.say(f"{found['copies_dropped']:,} copies of unique real rows were drawn again")
    if near["rows"]:
        talk.say(
            f"near copies: {near['count']:,} of {near['rows']:,} made rows, and "
            f"{near['expected']:.1%} of the real ones, lie nearer to a real row than "
            "99 % of real rows do (more of the made ones would give rows away)"
        )
    if share is None:
        talk.say("closest-record share: needs rows held out (--gate or --held-out)")
        return
    talk.say(
        f"closest-record share {share:.3f}, membership attack AUC "
        f"{found['attack_auc']:.3f} (.5 gives nothing away)"
    )


def _tell_gate(summary: Mapping[str, Any], talk: Talk) -> None:
    if summary["gate"] is None:
        talk.say("gate: no rows, nothing to judge")
        return
    figures = summary["gate_figures"]
    rows = [
        (
            name,
            f"{one['auprc_before']:.4f}",
            f"{one['auprc_after']:.4f}",
            f"{one['auprc_change']:+.4f} ± {one['auprc_spread']:.4f}",
            f"{one['recall_change']:+.4f} ± {one['recall_spread']:.4f}",
        )
        for name, one in figures["judges"].items()
    ]
    heads = (
        "classifier",
        "AUPRC without them",
        "with them",
        "change",
        "change of recall at the old precision",
    )
    repeats = figures["repeats"]
    title = (
        "Do these rows help? Classifiers judged on "
        f"{figures['held_out_rows']:,} held-out rows"
    )
    talk.table(title, heads, rows)
    talk.say(
        f"±: standard deviation over {repeats} repeats, each on another draw of the "
        "training rows; what other held-out rows would say is not in it"
    )
    talk.say(
        "rule: use them where change - spread is above 0; do not where change + spread "
        "is below 0; else no clear effect, which does not pass the gate"
    )
    change, spread = figures["auprc_change"], figures["auprc_spread"]
    talk.say(
        f"gate: {figures['advice']} (AUPRC of both together {change:+.4f} ± "
        f"{spread:.4f})"
    )
