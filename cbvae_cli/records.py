"""Plain records that pass between layers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How a model is trained.

    Attributes
    ----------
    model : str
        Family: a key of `cbvae_cli.families.FAMILIES`.
    preset : str
        The preset that the other fields come from.
    latent : int
        Latent dimensions.
    hidden : tuple of int
        Hidden layers of the encoder.
    steps : int
        Optimiser steps, unless `epochs` says otherwise.
    epochs : int
        Passes over the rows of the largest class; 0 means `steps`.
    batch : int
        Rows a step and network.
    rate : float
        Highest learning rate of the one-cycle schedule.
    mask : float
        Cells hidden from the encoder in training: a share below 1 is the most that
        a row loses, drawn evenly from 0; from 1 upwards that many cells of each row.
    noise : bool
        Hidden cells hold N(0, 1) noise instead of being marked.
    scale : str
        `"quantile"` or `"standard"`.
    unit_deviation : bool
        Squared error instead of a likelihood a column kind.
    members : int
        Networks of each class at most, each blind to a fifth of the rows.
    joint_steps : int
        Steps in which a copy of the networks learns to tell classes apart.
    joint_rate, joint_mask : float
        As `rate` and `mask`, for these steps.
    filler_steps : int
        Steps in which a network of all classes learns to fill cells; 0 leaves that
        to the classes' own networks.
    stop_share : float
        Share of a member's training rows that stops it.
    held_share : float
        Share of rows that only calibrates; 0 leaves that to the blind fifths.
    certified_share : float
        Share of rows of the other classes that only the bound on false alarms sees.
    search : bool
        Whether other sizes, masks and rates are tried first.
    neighbours : int
        Of the local outlier factor; 0 is as many as usual.
    allow_stored_encodings : bool
        Whether detectors may keep rows, scaled or encoded, in the bundle.
    time_limit : float, optional
        Seconds that training should take at most.
    seed : int
    balanced : bool
        Rows of all classes are drawn alike, where classes share networks.
    gamma, beta : float
        Weights of reconstruction and divergence in the loss of `clvae`.
    mu : float
        Distance of the classes' priors from 0 in `dvae` and, to start with, `dvaan`.
    fixed_mu, support, paper_discriminator : bool
        Of `dvaan`: mu stays; rows near the boundary are made and learnt from; the
        discriminator sees no real rows.
    """

    model: str = "cbvae"
    preset: str = "default"
    latent: int = 8
    hidden: tuple[int, ...] = (128, 128)
    steps: int = 1000
    epochs: int = 0
    batch: int = 128
    rate: float = 2e-3
    mask: float = 0.4
    noise: bool = False
    scale: str = "quantile"
    unit_deviation: bool = False
    members: int = 5
    joint_steps: int = 400
    filler_steps: int = 1000
    joint_rate: float = 5e-4
    joint_mask: float = 0.2
    stop_share: float = 0.1
    held_share: float = 0.0
    certified_share: float = 0.2
    search: bool = False
    neighbours: int = 0
    allow_stored_encodings: bool = False
    time_limit: float | None = None
    seed: int = 0
    balanced: bool = False
    gamma: float = 1.0
    beta: float = 1.0
    mu: float = 3.0
    fixed_mu: bool = False
    support: bool = True
    paper_discriminator: bool = False


@dataclass(frozen=True)
class Columns:
    """What the user said about columns.

    Attributes
    ----------
    label : str
    exclude, categorical, numeric : tuple of str
    drop_unlabelled : bool
    group, time, weight : str or None
        Columns that steer training and are no features: rows that belong together,
        when rows were made, how much they count.
    positive : str or None
        The class that thresholds and rates speak of; None is the smallest.
    """

    label: str
    exclude: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    numeric: tuple[str, ...] = ()
    drop_unlabelled: bool = False
    group: str | None = None
    time: str | None = None
    weight: str | None = None
    positive: str | None = None


@dataclass(frozen=True)
class Epoch:
    """A report from the training loop.

    Attributes
    ----------
    step, steps : int
        Done and planned.
    train, held_out : tuple of float
        Negative evidence lower bound per row and network, in nats, on the last
        batch and on the rows that stop training (NaN where a class has none).
    """

    step: int
    steps: int
    train: tuple[float, ...]
    held_out: tuple[float, ...]
