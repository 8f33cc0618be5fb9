"""A comparison of models: rows of a table, and a page of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

FIGURES = {"auprc": 3, "auroc": 3, "log_loss": 4, "seconds": 1}
"""Figures of an outcome and the decimals that they are shown with."""

BEGINNING = "<!doctype html>"
"""How every page begins."""

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; color: #1c1c1c; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd;
  vertical-align: top }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums;
  white-space: nowrap }
tr.own td:first-child { font-weight: 600 }
small { color: #666 }
svg { width: 12rem; height: 1.2rem }
@media (prefers-color-scheme: dark) {
  body { color: #e6e6e6; background: #161616 } th, td { border-color: #383838 }
  small { color: #999 } }
"""
WIDTH, HEIGHT = 192, 20


def heads(summary: Mapping[str, Any]) -> list[str]:
    """Name the columns; of more than two classes the positive one has its own."""
    own = [f"of '{summary['positive']}'"] if len(summary["classes"]) > 2 else []
    return ["model", "AUPRC", *own, "AUROC", "log loss", "seconds"]


def cells(outcome: Mapping[str, Any], summary: Mapping[str, Any]) -> list[str]:
    """Give the row of a model, without figures where it could not run.

    Parameters
    ----------
    outcome : mapping
        `name`, `why`, `auprc_by_class`, and for every key of `FIGURES` its `mean`
        and `spread`.
    summary : mapping
        As `compare --json` gives it.
    """
    if outcome["why"]:
        return [outcome["name"], *[""] * (len(heads(summary)) - 1)]
    area, *others = (_figure(outcome[name], n) for name, n in FIGURES.items())
    if len(summary["classes"]) == 2:
        return [outcome["name"], area, *others]
    own = outcome["auprc_by_class"].get(summary["positive"])
    return [outcome["name"], area, "-" if own is None else f"{own:.3f}", *others]


def _figure(figure: Mapping[str, float], digits: int) -> str:
    mean, spread = figure["mean"], figure["spread"]
    if not math.isfinite(mean):
        return "-"
    if not math.isfinite(spread):
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {spread:.{digits}f}"


def page(summary: Mapping[str, Any]) -> str:
    """Write a comparison as one page that needs nothing from elsewhere.

    Parameters
    ----------
    summary : mapping
        As `compare --json` gives it.
    """
    title = f"Models of '{summary['label']}' in {summary['data']}"
    body = "\n".join(_row(outcome, summary) for outcome in summary["models"])
    head_cells = "".join(
        f'<th class="{"n" if at else ""}">{escape(head)}</th>'
        for at, head in enumerate(heads(summary))
    )
    lines = "".join(f"<p>{escape(line)}</p>\n" for line in told(summary))
    notes = "".join(f"<li>{escape(note)}</li>\n" for note in summary["warnings"])
    return f"""{BEGINNING}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{lines}<table>
<thead><tr>{head_cells}<th>AUPRC of each split, 0 to 1</th></tr></thead>
<tbody>
{body}
</tbody>
</table>
<ul>
{notes}</ul>
</body>
</html>
"""


def told(summary: Mapping[str, Any]) -> Sequence[str]:
    """Say in words what was compared and how."""
    seeds = len(summary["seeds"])
    splits = (
        "1 split" if seeds == 1 else f"{seeds} splits; ± is the deviation over them"
    )
    positive, chance = summary["positive"], summary["chance"]
    ranked = "no test holds two classes"
    if chance is not None:
        ranked = f"1 is perfect, and {chance:.3f} is the AUPRC of chance"
    return (
        f"{summary['rows']:,} rows, of which {summary['test_share']:.0%} test "
        f"({summary['tested'][positive]:,.0f} of class '{positive}'): {splits}. Equal "
        "rows are on one side, missing cells stay missing.",
        f"AUPRC and AUROC are {summary['measured']}; {ranked}.",
    )


def _row(outcome: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    kind = "own" if outcome["own"] else "peer"
    name, *figures = cells(outcome, summary)
    shown = escape(name)
    if outcome["why"]:
        shown += f"<br><small>{escape(outcome['why'])}</small>"
    numbers = "".join(f'<td class="n">{escape(text)}</td>' for text in figures)
    return f'<tr class="{kind}"><td>{shown}</td>{numbers}<td>{_dots(outcome)}</td></tr>'


def _dots(outcome: Mapping[str, Any]) -> str:
    """Draw the AUPRC of every split on a line from 0 to 1."""
    values = [run["auprc"] for run in outcome["runs"]]
    middle, ends = HEIGHT / 2, (6, WIDTH - 6)
    dots = "".join(
        f'<circle cx="{ends[0] + value * (ends[1] - ends[0]):.1f}" cy="{middle}" r="4" '
        'fill="#2a6fbb" fill-opacity="0.7"/>'
        for value in values
        if math.isfinite(value)
    )
    line = f'<path d="M{ends[0]} {middle}H{ends[1]}" stroke="#999"/>'
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true">{line}{dots}</svg>'
