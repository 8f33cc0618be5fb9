"""The experiments of "Class Based Variational Autoencoders" (Rojas, Makwae & Shar).

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/papers/cbvae.py [--seeds 3] [--quick] [-o FOLDER]

Prints tables and draws figures into FOLDER (default `benchmark-results/` in the
current folder). Needs `fraud.parquet` (the ULB credit card frauds: V1..V28, Amount,
Time, Class) in the folder that CBVAE_BENCH_DATA names, by default `../shared/data`
beside the project. Everything runs with the `paper` preset on the processor.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cbvae_claims as claims
import cbvae_figures as figures
import cbvae_report as report
import numpy as np
import pandas as pd
import pyarrow as pa
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from threadpoolctl import threadpool_limits

sys.path.insert(0, str(Path(__file__).parents[1]))

from bare import Bare, read_rows, trained
from cases import DATA

from cbvae_cli.families.measure import believe
from cbvae_cli.families.rows import Rows
from cbvae_cli.records import Columns
from cbvae_cli.training.presets import PRESETS
from cbvae_cli.training.read import Table

FEATURES = [f"V{number}" for number in range(1, 29)]
LABEL = "Class"
MODELS = (report.POOLED, report.OURS)
HIDDEN_TO_IMPUTE = 14
HIDDEN_TO_CLASSIFY = (2, 5)
LATENTS = (4, 10, 15)
PAPER_SHARE = 0.00179  # of fraud, section 4
FEW = 70  # unseen rows of each class, as in the paper
HELD_OUT_SHARE = 0.3
NORMAL, FRAUD = 0, 1

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Trial:
    """The rows of one seed.

    Attributes
    ----------
    table, thinned : Table
        What trains, stops and calibrates; `thinned` with frauds as rare as in the
        paper.
    values : float array, shape (n_held_out, 28)
    labels : int array, shape (n_held_out,)
        Of held-out rows, as frequent as in the table.
    few : int array, shape (140,)
        Those of them that are the paper's unseen rows: 70 normal, then 70 fraud.
    """

    seed: int
    table: Table
    thinned: Table
    values: Floats
    labels: NDArray[np.int64]
    few: NDArray[np.int64]


def trial(rows: pd.DataFrame, most_normal: int, seed: int) -> Trial:
    """Split all frauds and some normal rows; exact repeats stay on one side."""
    normal = rows[rows[LABEL] == NORMAL]
    kept = normal.sample(min(most_normal, len(normal)), random_state=seed)
    chosen = pd.concat([kept, rows[rows[LABEL] == FRAUD]], ignore_index=True)
    group = chosen.groupby(FEATURES, sort=False).ngroup().to_numpy()
    labels = chosen[LABEL].to_numpy(dtype=np.int64)
    _, first = np.unique(group, return_index=True)
    rng = np.random.default_rng([seed, 7])
    held, few = np.zeros(len(first), dtype=bool), []
    for place in (NORMAL, FRAUD):
        own = rng.permutation(np.flatnonzero(labels[first] == place))
        own = own[: round(HELD_OUT_SHARE * len(own))]
        held[own] = True
        few.append(first[own[:FEW]])
    outside = held[group]
    at = np.flatnonzero(outside)
    inside = chosen[~outside]
    return Trial(
        seed,
        read(inside),
        read(thin(inside, seed)),
        chosen.loc[outside, FEATURES].to_numpy(dtype=float),
        labels[outside],
        np.searchsorted(at, np.concatenate(few)),
    )


def thin(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Draw as many frauds as make the paper's share, ten at least."""
    normal, fraud = (rows[rows[LABEL] == place] for place in (NORMAL, FRAUD))
    wanted = max(10, round(PAPER_SHARE / (1 - PAPER_SHARE) * len(normal)))
    return pd.concat([normal, fraud.sample(wanted, random_state=seed)])


def read(rows: pd.DataFrame) -> Table:
    """Take rows the way `cbvae train` does."""
    table = pa.Table.from_pandas(rows[[*FEATURES, LABEL]], preserve_index=False)
    return read_rows(table, Columns(LABEL), PRESETS["paper"].scale)


def train(trial: Trial, quick: bool, name: str, **chosen: Any) -> Bare:
    """Fit a model with the paper's preset, but for the settings that are named."""
    family = "cbvae" if name == report.OURS else "vae"
    settings = replace(PRESETS["paper"], seed=trial.seed, model=family, **chosen)
    if quick:
        settings = replace(settings, steps=200)
    return trained(trial.thinned if name == report.THIN else trial.table, settings)


def noisy(model: Bare, values: Floats, n_hidden: int, seed: int) -> tuple[Rows, Any]:
    """Put N(0, 1) noise into some cells of each row, a new draw for every cell.

    To the encoder such a cell is like any other (section 3.1 of the paper), so all
    cells are given as seen. The tool itself keeps one draw a column instead, for the
    sake of answers that do not depend on the order of rows.

    Returns
    -------
    rows : Rows
    hidden : bool array, shape (n_rows, 28)
    """
    rng = np.random.default_rng([seed, 8])
    hidden = rng.random(values.shape).argsort(axis=1).argsort(axis=1) < n_hidden
    encoded = model.family.layout.encode(values)
    noise = rng.standard_normal(values.shape).astype(np.float32)
    matrix = np.where(hidden, noise, encoded.matrix)
    return model.family.rows(replace(encoded, matrix=matrix)), hidden


def reconstruct(model: Bare, rows: Rows, labels: NDArray[np.int64]) -> Floats:
    """Give what each row's own class holds to be in its cells, in network units."""
    by_class = np.stack([model.family.fill(rows, c).mean for c in (NORMAL, FRAUD)])
    return by_class[labels, np.arange(len(labels))].astype(np.float64)


def without_label(model: Bare, rows: Rows) -> tuple[Floats, NDArray[np.int64]]:
    """Let the pooled network reconstruct rows with noise in the label's cell too.

    Returns
    -------
    cells : float array, shape (n_rows, 28)
    named : int array, shape (n_rows,)
        The class whose reconstructed indicator is largest.
    """
    blank = rows.seen.new_zeros(1, len(rows), 1)
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn((1, len(rows), 2), generator=generator)
    asked = Rows(
        torch.cat([rows.values, noise], dim=-1),
        torch.cat([rows.seen, torch.ones_like(blank)], dim=-1),
    )
    mean = believe(model.family.nets, asked, model.family.n_draws)[0].double().numpy()
    return mean[:, : len(FEATURES)], mean[:, len(FEATURES) :].argmax(axis=1)


def imputation(trial: Trial, quick: bool) -> report.Variances:
    """Section 4.1: 14 of 28 cells hidden in training and on 70 + 70 unseen rows."""
    values, labels = trial.values[trial.few], trial.labels[trial.few]
    errors, hidden = {}, None
    for name in MODELS:
        model = train(trial, quick, name, mask=HIDDEN_TO_IMPUTE)
        rows, hidden = noisy(model, values, HIDDEN_TO_IMPUTE, trial.seed)
        truth = model.family.layout.encode(values).matrix
        errors[name] = reconstruct(model, rows, labels) - truth
        if name == report.POOLED:
            errors[report.BLIND] = without_label(model, rows)[0] - truth
    # What the two would do that learnt nothing but where each class lies.
    matrix = model.family.layout.encode(trial.table.values).matrix
    means = [matrix[trial.table.labels == place].mean(axis=0) for place in (0, 1)]
    errors[report.MEANS] = np.stack(means)[labels] - truth
    return report.Variances(errors, labels, hidden)


def classification(trial: Trial, quick: bool) -> Iterator[report.Run]:
    """Section 4.2: every number of hidden cells, latent size and family."""
    for n_hidden in HIDDEN_TO_CLASSIFY:
        for latent in LATENTS:
            for name in (*MODELS, report.THIN):
                model = train(trial, quick, name, mask=n_hidden, latent=latent)
                yield measured(model, trial, n_hidden, latent, name)


def measured(
    model: Bare, trial: Trial, n_hidden: int, latent: int, name: str
) -> report.Run:
    """Classify held-out rows by the lowest error."""
    encoded = model.family.layout.encode(trial.values)
    error = model.of_classes(encoded, "error")
    named = error.argmin(axis=1)
    strangeness = error[:, NORMAL] - error[:, FRAUD]
    truth = trial.labels
    read_off = None
    if name != report.OURS:
        rows = noisy(model, trial.values[trial.few], 0, trial.seed)[0]
        read_off = without_label(model, rows)[1]
    hidden_rows = noisy(model, trial.values[trial.few], n_hidden, trial.seed)[0]
    hidden_error = model.family.evidence(hidden_rows, ("error",))[:, 0, :, 0].numpy()
    bound = model.of_classes(encoded, "iw")
    likelihood = bound[:, FRAUD] - bound[:, NORMAL]
    history = model.loop.history
    return report.Run(
        n_hidden=n_hidden,
        latent=latent,
        model=name,
        few_truth=truth[trial.few],
        few_named=named[trial.few],
        few_named_hidden=hidden_error.argmin(axis=1),
        few_read_off=read_off,
        accuracy=float((named == truth).mean()),
        auprc=float(average_precision_score(truth == FRAUD, strangeness)),
        auprc_likelihood=float(average_precision_score(truth == FRAUD, likelihood)),
        steps=np.array([look.step for look in history]),
        train_loss=np.array([look.train for look in history]),
        test_loss=np.array([look.held_out for look in history], dtype=float),
        batch=PRESETS["paper"].batch,
        train_rows=np.bincount(model.table.labels),
    )


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument(
        "--quick", action="store_true", help="one seed, 3,000 normal rows, 200 steps"
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    return parser.parse_args()


def main() -> None:
    """Run everything, print it and draw it."""
    asked = arguments()
    # Networks and mixtures this small gain nothing from a second thread, and wait long
    # for one on a busy machine.
    torch.set_num_threads(1)
    threadpool_limits(1)
    source = DATA / "fraud.parquet"
    if not source.is_file():
        raise SystemExit(f"no {source}: set CBVAE_BENCH_DATA to the folder it is in")
    asked.output.mkdir(parents=True, exist_ok=True)
    rows = pd.read_parquet(source, columns=[*FEATURES, LABEL])
    most_normal = 3_000 if asked.quick else 20_000
    started = time.monotonic()
    variances, runs, trials = [], [], []
    for seed in range(1 if asked.quick else asked.seeds):
        drawn = trial(rows, most_normal, seed)
        trials.append(drawn)
        variances.append(imputation(drawn, asked.quick))
        runs.extend(classification(drawn, asked.quick))
        print(f"seed {seed} is done", file=sys.stderr)
    parts = [(t.table.labels, t.thinned.labels, t.labels) for t in trials]
    report.tell_rows(parts, most_normal)
    report.tell_imputation(variances)
    report.tell_classification(runs)
    report.tell_losses(runs)
    claims.tell_claims(variances, runs)
    drawn_files = figures.draw(variances, runs, FEATURES, asked.output)
    print("\nfigures:", *(str(path) for path in drawn_files), sep="\n  ")
    print(f"took {time.monotonic() - started:,.0f} s")


if __name__ == "__main__":
    main()
