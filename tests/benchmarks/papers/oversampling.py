"""The experiment of "Solving Class Imbalance problem using Variational Auto Encoder".

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/papers/oversampling.py [--seeds 5] [--quick] [-o FOLDER]

The digits 0 and 6 of MNIST, 5,000 against 100 in training, all 1,938 in the test file.
One dense network is trained on the rows as they are, with the threshold moved to the
share of sixes, on sixes drawn repeatedly, on SMOTE's rows, and on 4,900 rows made of
the hundred as `cbvae augment --method interpolate` makes them; printed are the errors
on test rows. The article used a convolutional network. Draws sixes of both kinds side
by side into FOLDER (default `benchmark-results/` in the current folder). Needs
`mnist-train.parquet` and `mnist-test.parquet` in the folder that CBVAE_BENCH_DATA
names.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa
from imblearn.over_sampling import SMOTE, RandomOverSampler
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))

from bare import read_rows, trained
from cases import DATA
from catalogue import labels_of, read

from cbvae_cli.answers.drawing import Between, Encodings
from cbvae_cli.evidence import encode_rows
from cbvae_cli.records import Columns
from cbvae_cli.training.presets import PRESETS

MAJORITY, MINORITY = "0", "6"
N_MAJORITY, N_MINORITY = 5_000, 100
LABEL = "label"
BRIGHTEST = 255.0
PAPER = {"oversampled": 70, "VAE rows": 30}  # errors of 1,938
# Chosen on training digits that no draw holds, as was `--method interpolate`.
SETTINGS = replace(PRESETS["fast"], latent=32, hidden=(512, 256), steps=500)
SIDE = 28
SHOWN = 10

Pixels = NDArray[np.float64]
Rows = tuple[Pixels, NDArray[np.bool_]]


def drawn(table: pa.Table, seed: int) -> pa.Table:
    """Draw the training rows."""
    rng = np.random.default_rng([seed, 31])
    digits = labels_of(table, LABEL)
    places = [
        rng.choice(np.flatnonzero(digits == digit), count, replace=False)
        for digit, count in ((MAJORITY, N_MAJORITY), (MINORITY, N_MINORITY))
    ]
    return table.take(pa.array(np.sort(np.concatenate(places))))


def numbers(table: pa.Table) -> Rows:
    """Give pixels between 0 and 1, and which rows are of the minority."""
    pixels = table.drop_columns([LABEL])
    columns = [column.to_numpy() for column in pixels.columns]
    return np.column_stack(columns) / BRIGHTEST, labels_of(table, LABEL) == MINORITY


def synthetic(train: pa.Table, seed: int) -> Pixels:
    """Make as many sixes as balance the table, as `augment --method interpolate`."""
    table = read_rows(train, Columns(LABEL))
    networks = trained(table, replace(SETTINGS, seed=seed))
    family, schema = networks.family, table.schema
    place = schema.label.place(MINORITY)
    own = family.layout.encode(table.values[table.labels == place])
    mean, deviation = encode_rows(family, own, place)
    rows = Encodings(mean[None], deviation[None])
    count, rng = N_MAJORITY - N_MINORITY, np.random.default_rng([seed, 32])
    made = Between(family, rows, rows, 1.0)(place, count, rng, (0,))
    values = family.layout.settle(family.layout.expected(made, np.zeros_like(made)))
    found = np.zeros((count, SIDE * SIDE))  # a pixel that never varies is always 0
    names = [column.name for column in schema.modelled]
    found[:, [int(name.removeprefix("pixel")) for name in names]] = values
    return found / BRIGHTEST


def with_sixes(rows: Rows, more: Pixels) -> Rows:
    """Put synthetic sixes behind real rows."""
    values, minority = rows
    added = np.ones(len(more), dtype=bool)
    return np.concatenate([values, more]), np.concatenate([minority, added])


def resampled(sampler: Any, rows: Rows) -> Rows:
    """Let a sampler of imbalanced-learn balance the rows."""
    values, minority = sampler.fit_resample(*rows)
    return values, minority


def errors(rows: Rows, test: Rows, seed: int, threshold: float = 0.5) -> int:
    """Count the test rows that a network trained on some rows names wrongly."""
    network = MLPClassifier((128,), batch_size=100, max_iter=20, random_state=seed)
    with warnings.catch_warnings():
        # Every way gets so many epochs, whether or not it could use more.
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(*rows)
    called = network.predict_proba(test[0])[:, 1] > threshold
    return int((called != test[1]).sum())


def measure(
    table: pa.Table, test: Rows, seed: int
) -> tuple[dict[str, int], Pixels, Pixels]:
    """Count errors of each way on one draw; gives the real and made sixes too."""
    train = drawn(table, seed)
    rows = numbers(train)
    share = float(rows[1].mean())
    made = synthetic(train, seed)
    ways: dict[str, Callable[[], int]] = {
        "plain": lambda: errors(rows, test, seed),
        "moved threshold": lambda: errors(rows, test, seed, share),
        "oversampled": lambda: errors(
            resampled(RandomOverSampler(random_state=seed), rows), test, seed
        ),
        "SMOTE": lambda: errors(resampled(SMOTE(random_state=seed), rows), test, seed),
        "VAE rows": lambda: errors(with_sixes(rows, made), test, seed),
    }
    return {name: count() for name, count in ways.items()}, rows[0][rows[1]], made


def draw(real: Pixels, made: Pixels, path: Path) -> None:
    """Draw some sixes of both kinds."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, SHOWN, figsize=(SHOWN, 2.4))
    for row, (title, pixels) in enumerate((("real", real), ("made", made))):
        for at, image in enumerate(pixels[:SHOWN]):
            axes[row, at].imshow(image.reshape(SIDE, SIDE), cmap="gray_r")
            axes[row, at].set_axis_off()
        axes[row, 0].set_title(title, fontsize=9, loc="left")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    asked = parser.parse_args()
    asked.output.mkdir(parents=True, exist_ok=True)
    table = read(DATA / "mnist-train.parquet")
    both = read(DATA / "mnist-test.parquet")
    both = both.filter(pa.array(np.isin(labels_of(both, LABEL), (MAJORITY, MINORITY))))
    test = numbers(both)
    begun = time.monotonic()
    found = []
    for seed in range(1 if asked.quick else asked.seeds):
        counts, real, made = measure(table, test, seed)
        print(seed, counts, file=sys.stderr, flush=True)
        found.append(counts)
        if seed == 0:
            draw(real, made, asked.output / "oversampling-sixes.png")
    print(f"\nErrors on {len(test[1]):,} test rows, mean of {len(found)} draws")
    for name in found[0]:
        counts = np.array([each[name] for each in found])
        paper = f"; the article: {PAPER[name]}" if name in PAPER else ""
        print(f"  {name:<16} {counts.mean():6.1f} ± {counts.std():.1f}{paper}")
    print(f"took {time.monotonic() - begun:,.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
