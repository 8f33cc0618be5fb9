"""The one shape of figures that every class has: a mean, and each class by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def by_class(figures: Sequence[float | None], classes: Sequence[str]) -> dict[str, Any]:
    """Give `macro`, the mean, and `classes`, each by name.

    Parameters
    ----------
    figures : sequence of float or None
        None for a class that cannot be measured; the mean leaves it out.
    classes : sequence of str
    """
    known = [figure for figure in figures if figure is not None]
    return {
        "macro": float(np.mean(known)) if known else None,
        "classes": dict(zip(classes, figures, strict=True)),
    }
