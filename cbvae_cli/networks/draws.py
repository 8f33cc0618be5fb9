"""The fixed draws that stand for a posterior in every answer."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor


@cache
def normal_draws(n_draws: int, n_dims: int) -> Tensor:
    """Give quasi-random standard normal points, the same at every call.

    One set serves all rows: an answer then depends neither on the order of rows nor
    on how they were batched.

    Parameters
    ----------
    n_draws, n_dims : int

    Returns
    -------
    Tensor, shape (n_draws, n_dims)
        A scrambled Sobol sequence through the inverse normal distribution function,
        each point beside its mirror image, so that the mean is exactly 0, and
        stretched so that the mean square is 1 along each dimension. Few draws then
        still give the divergence of the posterior exactly, and the
        importance-weighted bound is never below the plain one. Every caller gets the
        same tensor, not to be written to.
    """
    half = (n_draws + 1) // 2
    engine = torch.quasirandom.SobolEngine(  # type: ignore[no-untyped-call]  # torch leaves it untyped
        n_dims, scramble=True, seed=0
    )
    uniform = engine.draw(half, dtype=torch.float64).clamp(1e-6, 1 - 1e-6)
    points = torch.special.ndtri(uniform)
    points = points / points.square().mean(dim=0).sqrt()
    return torch.cat([points, -points])[:n_draws].float()
