"""Tables that lack columns which a bundle reads, and what may be behind it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from cbvae_cli.errors import DataProblem
from cbvae_cli.nearest import nearest
from cbvae_cli.table.source import Source
from cbvae_cli.table.wording import listed, shown


def check_columns(
    source: Source, needed: Sequence[str], known: Collection[str]
) -> None:
    """Refuse a table that lacks a column.

    Parameters
    ----------
    source : Source
    needed : sequence of str
        Columns that are read.
    known : collection of str
        All columns of the training table, the label included.

    Raises
    ------
    DataProblem
    """
    lacking = [name for name in needed if name not in source.names]
    if not lacking:
        return
    foreign = [name for name in source.names if name not in known]
    near = nearest(lacking[0], foreign)
    rename = (
        f"is the table's column {shown(near)} meant? then rename it" if near else ""
    )
    if len(lacking) == len(needed) > 1:
        raise DataProblem(
            f"the table has none of the {len(needed)} columns that the bundle reads",
            where=f"{source.name} has {listed(source.names)}",
            expected=listed(needed),
            hint=rename or _guess(source),
        )
    many = len(lacking) > 1
    raise DataProblem(
        f"column{'s' if many else ''} {listed(lacking)} missing; the model was trained "
        f"with {'them' if many else 'it'}",
        where=source.name,
        expected=f"the {len(needed)} columns of the training table",
        hint=rename or "add the column, with empty cells where nothing is known",
    )


def _guess(source: Source) -> str:
    """Say what may have made the names of all columns foreign."""
    if source.text and all(_is_number(name) for name in source.names):
        return "the first line holds values: put a line of column names above it"
    if source.text and len(source.names) == 1:
        return (
            "the table seems to have one column: name the sign between its cells with "
            "--delimiter, or check its first line, which must hold the column names"
        )
    return "is this the table, and the bundle, that you meant? cbvae inspect BUNDLE"


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return not name
    return True
