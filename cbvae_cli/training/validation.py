"""Rows that only calibrate: a share of the table, or a table of their own."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import numpy as np

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.records import Columns
from cbvae_cli.table.formats import ending_format
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.source import ReadOptions, Source, open_source
from cbvae_cli.table.wording import choice, shown
from cbvae_cli.training.jobs import check_cells, check_label, roles_aside


def open_validation(
    asked: str | None, options: ReadOptions
) -> AbstractContextManager[Source | float | None]:
    """Open the table that `--validation` names, or give the share that it asks for.

    Parameters
    ----------
    asked : str or None
        A file of that name wins over a number.
    options : ReadOptions
        How the training table is read.

    Raises
    ------
    UsageProblem
        If it is neither a table nor a share between 0 and 1.
    """
    if asked is None:
        return nullcontext(None)
    share = None if os.path.lexists(asked) else _number(asked)
    if share is None:
        # The format that was named is the training table's.
        given = None if ending_format(asked) else options.format
        return open_source(asked, replace(options, format=given), reread=True)
    if not 0 < share < 1:
        raise UsageProblem(
            f"--validation {asked} is no share of the rows",
            expected="a share between 0 and 1, as 0.2, or a table",
        )
    return nullcontext(share)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def check_validation(source: Source, schema: Schema, columns: Columns) -> list[str]:
    """Pass over the validation table once and refuse what does not fit.

    Parameters
    ----------
    source : Source
    schema : Schema
        Of the training table.
    columns : Columns

    Returns
    -------
    list of str
        Warnings.
    """
    schema.check(source)
    check_label(source, columns.label)
    _check_steering(source, columns)
    labelled = unlabelled = 0
    for batch in source.batches():
        places, foreign = schema.label_places(source, batch)
        if foreign.any():
            row = int(np.argmax(foreign))
            cell = batch.rows.column(source.names.index(columns.label))[row]
            raise DataProblem(
                "the validation table names a class that the training table does "
                "not have",
                where=f"{source.where(batch, row)}: {shown(cell)}",
                expected=choice(schema.label.classes),
            )
        labelled += int((places >= 0).sum())
        unlabelled += int((places < 0).sum())
    if unlabelled and not columns.drop_unlabelled:
        raise DataProblem(
            f"{unlabelled} rows have no label in column '{columns.label}'",
            where=source.name,
            expected="a class in every row of a validation table",
            hint="add --drop-unlabelled to go on without those rows",
        )
    if not labelled:
        raise DataProblem(
            f"no row has a label in column '{columns.label}'", where=source.name
        )
    if unlabelled:
        return [f"{unlabelled} rows of {source.name} without a label are left out"]
    return []


def _check_steering(source: Source, columns: Columns) -> None:
    steering = {n: r for n, r in roles_aside(columns).items() if r != "excluded"}
    for name, role in steering.items():
        if name not in source.names:
            raise DataProblem(
                f"the validation table has no --{role} column '{name}'",
                where=source.name,
                expected="the columns of the training table",
            )
    check_cells(source, steering)
