"""What the user said about columns, held against the table."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.records import Columns
from cbvae_cli.table.cells import is_opaque
from cbvae_cli.table.scan import ColumnScan
from cbvae_cli.table.source import Source
from cbvae_cli.table.wording import advice, misfit_hint

MANY = ("--exclude", "--categorical", "--numeric")  # flags that may be given again


def roles_aside(columns: Columns) -> dict[str, str]:
    """Give the role of each column that the user keeps from the networks, by name."""
    named = {"group": columns.group, "time": columns.time, "weight": columns.weight}
    roles = dict.fromkeys(columns.exclude, "excluded")
    return roles | {name: role for role, name in named.items() if name is not None}


def check_label(source: Source, name: str) -> None:
    """Refuse a table to learn from that has no label column."""
    if name not in source.names:
        raise DataProblem(
            f"there is no label column '{name}'",
            where=source.name,
            **advice(name, source.names, otherwise="name the column with --label"),
        )
    kind = source.schema.field(name).type
    if is_opaque(kind) or pa.types.is_duration(kind):
        raise DataProblem(
            f"label column '{name}' holds {kind}",
            where=source.name,
            expected="text, whole numbers or truth values",
            hint="write the classes as text",
        )


def check_names(source: Source, columns: Columns) -> None:
    """Refuse flags that name absent columns, the label, or one column twice.

    Raises
    ------
    DataProblem
        If there is no label column, or a column cannot hold what it is named for.
    UsageProblem
        If a flag names a wrong column.
    """
    check_label(source, columns.label)
    job: dict[str, str] = {}
    for flag, name in _named(columns):
        if name not in source.names:
            raise UsageProblem(
                f"{flag} names a column '{name}' that the table does not have",
                where=source.name,
                **advice(name, source.names, flag=flag if flag in MANY else ""),
            )
        if name == columns.label:
            raise UsageProblem(f"{flag} names the label column '{name}'")
        if job.setdefault(name, flag) != flag:
            raise UsageProblem(
                f"{job[name]} and {flag} both name column '{name}'",
                expected="one job a column",
            )
    check_cells(source, roles_aside(columns))
    for flag, names in (
        ("--categorical", columns.categorical),
        ("--numeric", columns.numeric),
    ):
        for name in names:
            kind = source.schema.field(name).type
            if pa.types.is_temporal(kind):
                raise DataProblem(
                    f"{flag} column '{name}' holds {kind}",
                    where=source.name,
                    expected="text, numbers or truth values",
                    hint=f"write the column as text, or leave {flag} away",
                )


def check_cells(source: Source, roles: dict[str, str]) -> None:
    """Refuse a group, time or weight column of lists, bytes and the like."""
    for name, role in roles.items():
        kind = source.schema.field(name).type
        if role != "excluded" and is_opaque(kind):
            raise DataProblem(
                f"--{role} column '{name}' holds {kind}",
                where=source.name,
                expected="text, numbers or dates"
                if role != "weight"
                else "a number of 0 or more in every row",
            )


def check_numeric(scan: ColumnScan, source: Source) -> None:
    """Refuse text in a column that the user named as numbers."""
    if scan.first_misfit is not None:
        row, value = scan.first_misfit
        value = source.as_written(value)
        raise DataProblem(
            f"--numeric column '{scan.name}' holds text",
            where=f"{source.name}, data row {row + 1}: {value[:60]!r}",
            expected="a number or a missing cell",
            hint=misfit_hint(value),
        )


def _named(columns: Columns) -> Iterable[tuple[str, str]]:
    """Give each flag with each column that it names."""
    flags = {
        "--exclude": columns.exclude,
        "--categorical": columns.categorical,
        "--numeric": columns.numeric,
        "--group": (columns.group,),
        "--time": (columns.time,),
        "--weight": (columns.weight,),
    }
    for flag, names in flags.items():
        yield from ((flag, name) for name in names if name is not None)
