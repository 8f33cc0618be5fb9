"""Pictures of DVAAN: the path of mu, and digits drawn around +mu, 0 and -mu."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from bare import Bare
from book import Book

mpl.use("Agg")
from matplotlib import pyplot as plt

SHOWN = 12
SIDE = 28
OURS = "DVAAN"


def around(networks: Bare, path: Path) -> Path:
    """Draw digits at latent points around the classes' middles and around 0."""
    family: Any = networks.family
    schema, layout = networks.table.schema, family.layout
    classes = schema.label.classes
    middles = [family.prior_mean(place) for place in range(len(classes))]
    lines = {
        f"around {classes[0]}": middles[0],
        "around 0": 0 * middles[0],
        f"around {classes[1]}": middles[1],
    }
    figure, axes = plt.subplots(len(lines), SHOWN, figsize=(SHOWN, 4))
    names = [column.name for column in schema.modelled]
    for (title, middle), axes_of in zip(lines.items(), axes, strict=True):
        rng = np.random.default_rng(0)
        drawn = family.draw_around(middle, SHOWN, rng)
        parts = layout.expected(drawn, np.zeros_like(drawn))
        values = layout.settle(parts)
        for axis, row in zip(axes_of, values, strict=True):
            image = np.zeros(SIDE * SIDE)
            image[[int(name.removeprefix("pixel")) for name in names]] = row
            axis.imshow(image.reshape(SIDE, SIDE), cmap="gray_r")
            axis.set_axis_off()
        axes_of[0].set_title(title, fontsize=9, loc="left")
    return _saved(figure, path)


def draw(book: Book, folder: Path) -> list[Path]:
    """Draw the path of mu on every task (figure 4)."""
    figure, axis = plt.subplots(figsize=(8, 4))
    for key, line in book.measured():
        if key.model == OURS and key.seed == 0 and line.get("mu"):
            axis.plot(line["mu"], label=key.table)
    axis.set_xlabel("epoch")
    axis.set_ylabel("mu")
    if axis.lines:
        axis.legend(fontsize=6, ncols=2)
    return [_saved(figure, folder / "dvaan-mu.png")]


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=130, bbox_inches="tight")
    plt.close(figure)
    return path
