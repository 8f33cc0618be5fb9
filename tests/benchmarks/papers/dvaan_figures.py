"""Pictures of DVAAN: the path of mu, and digits drawn around +mu, 0 and -mu."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from book import Book

from cbvae_cli.answers.model import Model
from cbvae_cli.bundle.model import open_model

mpl.use("Agg")
from matplotlib import pyplot as plt

SHOWN = 12
SIDE = 28


def mu_path(bundle: Path) -> list[float]:
    """Give mu by report of training, mean over members; empty where it never moves."""
    found = _opened(bundle).training.get("mu", ())
    return [float(np.mean(each)) for each in found]


def around(bundle: Path, path: Path) -> Path:
    """Draw digits at latent points around the classes' middles and around 0."""
    model: Any = _opened(bundle)
    middles = [model.family.prior_mean(place) for place in range(len(model.classes))]
    lines = {
        f"around {model.classes[0]}": middles[0],
        "around 0": 0 * middles[0],
        f"around {model.classes[1]}": middles[1],
    }
    figure, axes = plt.subplots(len(lines), SHOWN, figsize=(SHOWN, 4))
    names = [column.name for column in model.schema.modelled]
    for (title, middle), axes_of in zip(lines.items(), axes, strict=True):
        rng = np.random.default_rng(0)
        drawn = model.family.draw_around(middle, SHOWN, rng)
        parts = model.layout.expected(drawn, np.zeros_like(drawn))
        values = model.layout.settle(parts)
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
        if key.model == "DVAAN" and key.seed == 0 and line.get("mu"):
            axis.plot(line["mu"], label=key.table)
    axis.set_xlabel("report of training")
    axis.set_ylabel("mu")
    if axis.lines:
        axis.legend(fontsize=6, ncols=2)
    return [_saved(figure, folder / "dvaan-mu.png")]


def _opened(bundle: Path) -> Model:
    return open_model(str(bundle), torch.device("cpu"))


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=130, bbox_inches="tight")
    plt.close(figure)
    return path
