"""Pictures of latent spaces: by class, by cluster, by distance, and the strangest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from clvae_space import FLAGGED, Floats, Space, anomalies, clusters

mpl.use("Agg")
from matplotlib import pyplot as plt

STRANGEST = 15
SIDE = 28


def draw(
    spaces: Sequence[Space], images: Floats, apart: Floats, folder: Path
) -> list[Path]:
    """Draw every figure about digits; gives the files."""
    return [
        draw_spaces(spaces, folder / "clvae-classes.png"),
        _clusters(spaces, folder / "clvae-clusters.png"),
        _distances(spaces, apart, folder / "clvae-distances.png"),
        _shares(spaces, folder / "clvae-shares.png"),
        _strangest(spaces, images, folder / "clvae-strangest.png"),
    ]


def draw_spaces(spaces: Sequence[Space], path: Path) -> Path:
    """Colour test rows by class (figures 2 and 6)."""
    figure, axes = _panels(len(spaces))
    for each, axis in zip(spaces, axes, strict=True):
        for name in np.unique(each.labels):
            own = each.labels == name
            axis.scatter(*each.test[own].T, s=1, label=name)
        axis.set_title(each.title)
    axes[-1].legend(
        markerscale=6, fontsize=6, loc="center left", bbox_to_anchor=(1, 0.5)
    )
    return _saved(figure, path)


def _clusters(spaces: Sequence[Space], path: Path) -> Path:
    """Colour test rows by their cluster (figure 3)."""
    figure, axes = _panels(len(spaces))
    for each, axis in zip(spaces, axes, strict=True):
        found = clusters(each, "em")
        axis.scatter(*each.test.T, s=1, c=found.places, cmap="tab20")
        axis.set_title(f"{each.title}: EM, {found.k} clusters, V {found.v:.3f}")
    return _saved(figure, path)


def _distances(spaces: Sequence[Space], apart: Floats, path: Path) -> Path:
    """Colour test rows by their RMSE from the class's mean image (figure 8)."""
    figure, axes = _panels(len(spaces))
    for each, axis in zip(spaces, axes, strict=True):
        dots = axis.scatter(*each.test.T, s=1, c=apart, cmap="viridis")
        axis.set_title(each.title)
    figure.colorbar(dots, ax=axes[-1], label="RMSE from the class's mean")
    return _saved(figure, path)


def _shares(spaces: Sequence[Space], path: Path) -> Path:
    """Draw each class's share of the strangest rows by LOF (figure 4)."""
    names = np.unique(spaces[0].labels)
    figure, axis = plt.subplots(figsize=(8, 3.5))
    width = 0.8 / (len(spaces) + 1)
    whole = [(spaces[0].labels == name).mean() for name in names]
    axis.bar(np.arange(len(names)), whole, width, label="all rows", color="0.7")
    for at, each in enumerate(spaces, 1):
        found = anomalies(each)["LOF"]
        flagged = np.argsort(-found.scores)[: round(FLAGGED * len(found.scores))]
        share = [(each.labels[flagged] == name).mean() for name in names]
        where = np.arange(len(names)) + at * width
        title = f"{each.title}, RMSE {found.uneven:.4f}"
        axis.bar(where, share, width, label=title)
    axis.set_xticks(np.arange(len(names)), names)
    axis.set_ylabel(f"share of the {FLAGGED:.0%} strangest")
    axis.legend(fontsize=7)
    return _saved(figure, path)


def _strangest(spaces: Sequence[Space], images: Floats, path: Path) -> Path:
    """Draw the strangest digits by LOF (figure 5)."""
    figure, axes = plt.subplots(len(spaces), STRANGEST, figsize=(STRANGEST, 4))
    for each, line in zip(spaces, axes, strict=True):
        order = np.argsort(-anomalies(each)["LOF"].scores)[:STRANGEST]
        for axis, at in zip(line, order, strict=True):
            axis.imshow(images[at].reshape(SIDE, SIDE), cmap="gray_r")
            axis.set_title(each.labels[at], fontsize=8)
            axis.set_axis_off()
        line[0].text(-0.1, 1.6, each.title, fontsize=9, transform=line[0].transAxes)
    return _saved(figure, path)


def _panels(count: int) -> tuple[Any, Any]:
    return plt.subplots(1, count, figsize=(5 * count, 4.5))


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=130, bbox_inches="tight")
    plt.close(figure)
    return path
