"""Who stands where: means over tables, ranks, and whether a difference is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from book import Book, Key
from numpy.typing import NDArray

DRAWS = 10_000
INSIDE = 95  # per cent of the draws within the interval
COVERED = 0.5  # of the tables that a contestant must have to count in common means


def spoken(model: str, rule: str) -> str:
    """Name a contestant."""
    return f"{model} {rule}".strip()


@dataclass(frozen=True)
class Standing:
    """Figures of one kind at one share of missing cells.

    Attributes
    ----------
    figures : DataFrame
        Rows: (table, seed). Columns: contestants. NaN where there is none.
    ours : list of str
        Columns that are this tool's.
    high : bool
        Whether higher is better.
    """

    figures: pd.DataFrame
    ours: list[str]
    high: bool = True

    @property
    def peers(self) -> list[str]:
        """Columns that are not ours."""
        return [name for name in self.figures if name not in self.ours]

    @property
    def by_table(self) -> pd.DataFrame:
        """Means over seeds, a row a table."""
        return self.figures.groupby("table", sort=False).mean()

    @property
    def common(self) -> pd.DataFrame:
        """The tables that all contestants have, but those that lack most tables."""
        tables = self.by_table
        enough = tables.notna().mean() >= COVERED
        return tables.loc[:, enough].dropna()

    @property
    def best_peer(self) -> str | None:
        """The single peer of the best mean over common tables."""
        means = self.common.reindex(columns=self.peers).mean().dropna()
        if means.empty:
            return None
        return str(means.idxmax() if self.high else means.idxmin())

    def board(self) -> pd.DataFrame:
        """Give mean, mean rank, first places and number of tables by contestant."""
        common, tables = self.common, self.by_table
        ranks = tables.rank(axis=1, ascending=not self.high)
        best = tables.eq(
            tables.max(axis=1) if self.high else tables.min(axis=1), axis=0
        )
        board = pd.DataFrame(
            {
                "mean": common.mean(),
                "mean rank": ranks.mean(),
                "first": best.sum(),
                "tables": tables.notna().sum(),
            }
        )
        return board.sort_values("mean", ascending=not self.high)

    def firsts(self, own: str) -> int:
        """Count the tables where an answer of ours is at least as good as any peer."""
        tables, sign = self.by_table, 1 if self.high else -1
        gain = sign * (tables[own].to_numpy()[:, None] - tables[self.peers].to_numpy())
        return int((~(gain < 0)).all(axis=1)[tables[own].notna()].sum())

    def losses(self, own: str, peer: str) -> pd.DataFrame:
        """List the tables where ours is worse by more than two standard errors."""
        gain = self.figures[own] - self.figures[peer]
        by_table = (gain if self.high else -gain).dropna().groupby("table", sort=False)
        found = pd.DataFrame({"gain": by_table.mean(), "error": by_table.sem()})
        return found[found["gain"] < -2 * found["error"]]


def bootstrap(differences: NDArray[np.float64]) -> tuple[float, float, float]:
    """Give the mean of paired differences and its interval over drawn tables."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(differences), size=(DRAWS, len(differences)))
    means = differences[drawn].mean(axis=1)
    outside = (100 - INSIDE) / 2
    low, high = np.percentile(means, [outside, 100 - outside])
    return float(differences.mean()), float(low), float(high)


def standings(
    book: Book, figure: str, *, high: bool = True, least_rows: int = 0
) -> dict[str, Standing]:
    """Gather a figure by share of missing cells.

    Parameters
    ----------
    book : Book
    figure : str
        Key of the lines.
    high : bool
        Whether higher is better.
    least_rows : int
        Rows that a table must have.
    """
    found: dict[str, list[tuple[Key, float]]] = {}
    for key, line in book.measured():
        if figure in line and line["rows"] >= least_rows:
            found.setdefault(key.missing, []).append((key, line[figure]))
    return {
        missing: Standing(_frame(lines), _ours(lines), high)
        for missing, lines in found.items()
    }


def _frame(lines: Sequence[tuple[Key, float]]) -> pd.DataFrame:
    frame = pd.DataFrame(
        [
            {
                "table": key.table,
                "seed": key.seed,
                "contestant": spoken(key.model, key.rule),
                "figure": value,
            }
            for key, value in lines
        ]
    )
    return frame.pivot(index=["table", "seed"], columns="contestant", values="figure")


def _ours(lines: Sequence[tuple[Key, float]]) -> list[str]:
    # A peer has no rule; every answer of ours goes by one.
    return list(dict.fromkeys(spoken(k.model, k.rule) for k, _ in lines if k.rule))


def told(standing: Standing, title: str, *, compare: bool = True) -> Iterator[str]:
    """Put a standing into words, line by line."""
    common = standing.common
    yield f"\n{title}"
    yield f"mean over the {len(common)} tables that all have: {', '.join(common.index)}"
    yield text_of(standing.board())
    yield ""
    yield text_of(standing.by_table)
    if compare:
        yield from compared(standing)


def compared(standing: Standing) -> Iterator[str]:
    """Set every answer of ours beside the best single peer."""
    peer = standing.best_peer
    if peer is None:
        return
    yield f"\nours minus {peer}, the best single peer; {INSIDE} % of {DRAWS:,} draws"
    for own in standing.ours:
        pair = standing.by_table[[own, peer]].dropna()
        if pair.empty:
            continue
        gain = (pair[own] - pair[peer]).to_numpy()
        mean, low, high = bootstrap(gain)
        ahead = f"ahead of every peer on {standing.firsts(own)} of {len(pair)} tables"
        yield f"{own:22} {mean:+.4f} [{low:+.4f}, {high:+.4f}]; {ahead}"
        for table, line in standing.losses(own, peer).iterrows():
            yield f"    worse on {table}: {line['gain']:+.4f} ± {line['error']:.4f}"


def figures_of(book: Book, by: str) -> pd.DataFrame:
    """Give all that was measured, a row a line; `by` names the model and rule."""
    return pd.DataFrame(
        {"table": key.table, "missing": key.missing, "seed": key.seed}
        | {by: f"{key.model} {key.rule}".strip()}
        | line
        for key, line in book.measured()
    )


def text_of(
    frame: pd.DataFrame, shown: Callable[[float], str] = "{:.4f}".format
) -> str:
    """Set a frame as text; whole numbers without decimals."""
    whole: Mapping[str, Callable[[float], str]] = {
        name: "{:.0f}".format for name in ("first", "tables") if name in frame
    }
    return frame.to_string(float_format=shown, formatters=dict(whole), na_rep="-")
