"""Which member is blind to which row of the table that a bundle was trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cbvae_cli.answers.model import Model
from cbvae_cli.table.cells import Floats
from cbvae_cli.training.parts import Shares, row_keys, split, united
from cbvae_cli.training.read import digest_of

STEERING = ("group", "time", "weight")


def blind_rows(
    model: Model, values: Floats, labels: NDArray[np.int64]
) -> list[NDArray[np.int64]] | None:
    """Share the training rows out once more, as training did.

    Parameters
    ----------
    model : Model
    values : float64 array, shape (n_rows, n_modelled)
    labels : int array, shape (n_rows,)

    Returns
    -------
    list of int arrays, or None
        Rows that each member is blind to. None where these are not the rows of
        training, or something else than the rows decided who saw them.
    """
    steered = any(column.role in STEERING for column in model.schema.columns)
    data, settings = model.training.get("data", {}), model.settings
    table = np.asfortranarray(values)
    if steered or model.retrained or data.get("digest") != digest_of(table, labels, {}):
        return None
    shares = Shares(
        model.family.n_members,
        settings["stop_share"],
        settings["held_share"],
        settings["certified_share"],
    )
    units = united(row_keys(table, settings["seed"]), None)
    label = model.schema.label
    positive = label.place(label.positive)
    parts = split(units, labels, positive, shares, settings["seed"])
    every = np.arange(len(labels))
    return [parts.blind(member, every) for member in range(model.family.n_members)]
