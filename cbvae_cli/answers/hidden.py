"""Columns that `impute --hide` may name, and why others may not be hidden."""

from __future__ import annotations

from collections.abc import Sequence

from cbvae_cli.errors import UsageProblem
from cbvae_cli.table.schema import Column, Schema
from cbvae_cli.table.wording import advice, shown

WHY = {
    "excluded": "was left out of training (--exclude)",
    "group": "only kept rows together in training (--group)",
    "time": "only chose rows in training (--time)",
    "weight": "only weighed rows in training (--weight)",
    "unsupported": "holds what no model reads",
    "empty": "held nothing in training",
    "identifier": "was left out of training, where it looked like an identifier",
}


def check_hidden(schema: Schema, hidden: Sequence[str]) -> None:
    """Refuse names of columns that the model does not fill.

    Parameters
    ----------
    schema : Schema
    hidden : sequence of str

    Raises
    ------
    UsageProblem
    """
    fills = [schema.label.name, *(column.name for column in schema.modelled)]
    others = {column.name: column for column in schema.columns if column.kind is None}
    for name in hidden:
        if name in others:
            raise UsageProblem(
                f"--hide names column {shown(name)}, which {_why(others[name])}: the "
                "model neither reads nor fills it",
                hint=f"leave --hide {shown(name)} out; its cells stay as they are",
            )
        if name not in fills:
            raise UsageProblem(
                f"--hide names a column {shown(name)} that is not in the bundle",
                **advice(name, fills, flag="--hide"),
            )


def _why(column: Column) -> str:
    if column.role == "constant":
        return f"held {shown(column.value)} in every row of training"
    return WHY.get(column.role, "the model was not trained on")
