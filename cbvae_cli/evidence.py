"""Rows x classes x parts of evidence, for any family, in chunks of fixed size."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbvae_cli.families.contract import Family
from cbvae_cli.families.rows import DENSITIES, Rows
from cbvae_cli.table.matrix import Encoded

CHUNK = 512  # rows; matrix products of one shape give a row the same bits anywhere


def chunks(encoded: Encoded) -> Iterator[tuple[slice, Encoded]]:
    """Cut rows into chunks of exactly `CHUNK`, the last filled up with empty rows.

    Yields
    ------
    slice, Encoded
        Where the chunk's real rows belong, and the chunk.
    """
    n_rows = len(encoded.matrix)
    for start in range(0, n_rows, CHUNK):
        stop = min(start + CHUNK, n_rows)
        matrix, observed = encoded.matrix[start:stop], encoded.observed[start:stop]
        spare = ((0, CHUNK - (stop - start)), (0, 0))
        filled = Encoded(
            np.pad(matrix, spare), np.pad(observed, spare), encoded.novel[start:stop]
        )
        yield slice(start, stop), filled


def take(encoded: Encoded, rows: NDArray[np.int64]) -> Encoded:
    """Give some of the rows, in any order, maybe several times."""
    return Encoded(encoded.matrix[rows], encoded.observed[rows], encoded.novel[rows])


def in_chunks(
    family: Family, encoded: Encoded, ask: Callable[[Rows], Tensor]
) -> NDArray[Any]:
    """Ask about rows chunk by chunk; the first axis of each answer is the rows."""
    found = []
    for rows, chunk in chunks(encoded):
        answer = ask(family.rows(chunk))
        found.append(answer[: rows.stop - rows.start].cpu().numpy())
    return np.concatenate(found)


def evidence(
    family: Family, encoded: Encoded, parts: Sequence[str], n_training: int
) -> NDArray[np.float64]:
    """Measure how well each class explains each row.

    Parameters
    ----------
    family : Family
    encoded : Encoded
    parts : sequence of str
        Names out of `cbvae_cli.families.rows.PARTS`.
    n_training : int
        Training rows: a category that none of them held counts, under every class
        alike, as one row among that many and one.

    Returns
    -------
    float64 array, shape (n_rows, n_members, n_classes, n_parts)
    """
    if not len(encoded.matrix):
        shape = (0, family.n_members, family.n_classes, len(parts))
        return np.empty(shape)

    def ask(rows: Rows) -> Tensor:
        return family.evidence(rows, parts)

    found = in_chunks(family, encoded, ask).astype(np.float64)
    nats = encoded.novel * math.log(n_training + 1)
    for place, part in enumerate(parts):
        if part in DENSITIES:
            found[..., place] -= nats[:, None, None]
    return found


def encode_rows(
    family: Family, encoded: Encoded, place: int, member: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give posteriors of rows under a class: mean and deviation, (n_rows, latent)."""

    def ask(rows: Rows) -> Tensor:
        return torch.cat(family.encode(rows, place, member), dim=-1)

    both = in_chunks(family, encoded, ask).astype(np.float64)
    mean, deviation = np.split(both, 2, axis=1)
    return mean, deviation


def embed_rows(
    family: Family, encoded: Encoded, place: int, member: int = 0
) -> NDArray[np.float64]:
    """Give latent coordinates of rows; see `Family.embed`."""
    if not len(encoded.matrix):
        return np.empty((0, family.nets.latent))

    def ask(rows: Rows) -> Tensor:
        return family.embed(rows, place, member)

    return in_chunks(family, encoded, ask).astype(np.float64)
