"""Values that training never saw, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cbvae_cli.report.console import Talk
from cbvae_cli.table.wording import shown

MOST_COLUMNS = 3  # that are named, those with most cells first


def warn_of_novelty(summary: Mapping[str, Any], talk: Talk) -> None:
    """Name the columns, each with the first such value.

    Parameters
    ----------
    summary : mapping of str
        Of a verb; `novel`, where it is there, gives `cells` and `first` by column.
    talk : Talk
    """
    found = summary.get("novel", {})
    order = sorted(found, key=lambda name: -found[name]["cells"])
    for name in order[:MOST_COLUMNS]:
        n_cells, first = found[name]["cells"], shown(found[name]["first"])
        many = n_cells > 1
        talk.warn(
            f"column {shown(name)}: {n_cells:,} "
            + ("cells hold values" if many else "cell holds a value")
            + f" never seen in training (e.g. {first}); "
            + ("they count as missing" if many else "it counts as missing")
        )
    more = len(order) - MOST_COLUMNS
    if more > 0:
        many = "columns hold" if more > 1 else "column holds"
        talk.warn(f"{more} more {many} values never seen in training")
