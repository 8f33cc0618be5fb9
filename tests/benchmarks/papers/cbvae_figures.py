"""The figures of `cbvae.py`, after those of the paper."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cbvae_report as report
import matplotlib as mpl
import numpy as np

mpl.use("Agg")  # no window: the figures go to files

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

COLOURS = {report.POOLED: "#c8702a", report.OURS: "#2a6fbb"}
CLASS_COLOURS = ("#2a6fbb", "#b3325a")
LOOK = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": "medium",
    "legend.frameon": False,
    "figure.dpi": 120,
    "font.size": 9,
}


def draw(
    variances: Sequence[report.Variances],
    runs: Sequence[report.Run],
    features: Sequence[str],
    folder: Path,
) -> list[Path]:
    """Draw all figures; gives their files."""
    with plt.rc_context(LOOK):
        drawn = [draw_variances(variances, features, folder)]
        for n_hidden in sorted({run.n_hidden for run in runs}):
            chosen = [r for r in runs if r.n_hidden == n_hidden]
            drawn.append(draw_losses(chosen, n_hidden, folder))
    return drawn


def draw_variances(
    found: Sequence[report.Variances], features: Sequence[str], folder: Path
) -> Path:
    """Draw figure 1: overlaid bars of the variance of each feature's error."""
    parts = ("all", *report.CLASSES)
    figure, axes = plt.subplots(3, 1, figsize=(8, 8), sharex=True)
    for axis, rows in zip(axes, parts, strict=True):
        for name in (report.POOLED, report.OURS):
            height = np.mean([v.of(name, rows) for v in found], axis=0)
            # The lower bar must stay visible whichever of the two it is.
            axis.bar(
                features,
                height,
                width=0.8 if name == report.POOLED else 0.5,
                color=COLOURS[name],
                alpha=0.9,
                label=report.TITLES[name],
            )
        axis.set_title(f"{'70 + 70' if rows == 'all' else f'70 {rows}'} rows")
        axis.set_ylabel("variance of error")
        axis.margins(x=0.01)
    axes[0].legend()
    axes[-1].tick_params(axis="x", rotation=90)
    figure.suptitle(
        "Reconstruction error by feature, 14 of 28 cells hidden\n"
        f"(training deviations squared; mean of {len(found)} seeds)"
    )
    return _saved(figure, folder / "cbvae-variance.png")


def draw_losses(runs: Sequence[report.Run], n_hidden: int, folder: Path) -> Path:
    """Draw figure 2 or 3: losses by epoch, a panel for each latent size."""
    latents = sorted({run.latent for run in runs})
    figure, axes = plt.subplots(1, len(latents), figsize=(11, 4.2), sharey=True)
    for axis, latent in zip(axes, latents, strict=True):
        group = [r for r in runs if (r.latent, r.model) == (latent, report.OURS)]
        for net, name in enumerate(report.CLASSES):
            _curves(axis, group, net, name)
        axis.set_title(f"latent {latent}")
        axis.set_xlabel("passes over the normal rows")
    axes[0].set_ylabel("loss (negative elbo, nats a row)")
    axes[0].set_yscale("log")
    axes[0].yaxis.set_major_formatter("{x:.0f}")
    axes[0].yaxis.set_minor_formatter("{x:.0f}")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.suptitle(
        f"CBVAE, {n_hidden} cells hidden at a time: line, mean of "
        f"{len(group)} seeds; band, lowest to highest\n"
        "Both networks take the same steps; test: the rows that stop training"
    )
    return _saved(figure, folder / f"cbvae-loss-{n_hidden}-hidden.png")


def _curves(axis: Axes, group: Sequence[report.Run], net: int, name: str) -> None:
    epochs = np.mean([run.epochs for run in group], axis=0)
    for kind, line in (("train", "--"), ("test", "-")):
        losses = np.stack([getattr(run, f"{kind}_loss")[:, net] for run in group])
        axis.plot(
            epochs,
            losses.mean(axis=0),
            line,
            color=CLASS_COLOURS[net],
            label=f"{name}, {kind}",
        )
        if kind == "test":
            low, high = losses.min(axis=0), losses.max(axis=0)
            axis.fill_between(
                epochs, low, high, color=CLASS_COLOURS[net], alpha=0.15, linewidth=0
            )


def _saved(figure: plt.Figure, path: Path) -> Path:
    figure.set_layout_engine("constrained")
    figure.savefig(path)
    plt.close(figure)
    return path
