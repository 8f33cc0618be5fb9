"""Bundles that are whole, yet do not hold what this program writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cbvae_cli.errors import BundleProblem, CBVAEError

MISFITS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


@contextmanager
def fitting_together(path: str | Path) -> Iterator[None]:
    """Say that a bundle's parts do not fit together, whatever they stumble over.

    Digests find damage, not forgery: whoever seals a bundle anew may write into it
    what he likes.

    Raises
    ------
    BundleProblem
    """
    try:
        yield
    except CBVAEError:
        raise
    except MISFITS as error:
        raise BundleProblem(
            "the bundle's parts do not fit together",
            where=str(path),
            expected="a bundle written by cbvae",
            hint="get the bundle again, or train a new one",
        ) from error
