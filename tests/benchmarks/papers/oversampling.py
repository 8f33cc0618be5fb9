"""The experiment of "Solving Class Imbalance problem using Variational Auto Encoder".

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/papers/oversampling.py [--seeds 5] [--quick] [-o FOLDER]

The digits 0 and 6 of MNIST, 5,000 against 100 in training, all 1,938 in the test file.
One dense network is trained on the rows as they are, with the threshold moved to the
share of sixes, on sixes drawn repeatedly, on SMOTE's rows, and on 4,900 rows that
`cbvae augment` makes of the hundred; printed are the errors on test rows. The article
used a convolutional network. Draws sixes of both kinds side by side into FOLDER
(default `benchmark-results/` in the current folder). Needs `mnist-train.parquet` and
`mnist-test.parquet` in the folder that CBVAE_BENCH_DATA names.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa
from imblearn.over_sampling import SMOTE, RandomOverSampler
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier

sys.path.insert(0, str(Path(__file__).parents[1]))

from cases import DATA
from catalogue import labels_of, read, write
from contest import hold_threads
from tables import Bench

MAJORITY, MINORITY = "0", "6"
N_MAJORITY, N_MINORITY = 5_000, 100
LABEL = "label"
BRIGHTEST = 255.0
PAPER = {"oversampled": 70, "VAE rows": 30}  # errors of 1,938
SIDE = 28
SHOWN = 10

Rows = tuple[NDArray[np.float64], NDArray[np.bool_]]


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


def synthetic(train: pa.Table, seed: int, flags: list[str]) -> pa.Table:
    """Make as many sixes as balance the table, by the tool."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), ".parquet", 1)
        write(train, bench.file("train"))
        bundle, made = Path(folder) / "digits.cbvae", bench.file("made")
        words = ("--label", LABEL, "--seed", seed, *flags, "-o", bundle)
        bench.run("train", "train", bench.file("train"), *words)
        words = ("-n", N_MAJORITY - N_MINORITY, "--class", MINORITY, "-o", made)
        bench.run("augment", "augment", bundle, *words, "--seed", seed)
        if bench.faults:
            raise SystemExit("; ".join(bench.faults))
        return read(made)


def with_rows(rows: Rows, more: pa.Table) -> Rows:
    """Put synthetic rows behind real ones."""
    values, minority = rows
    added, of_minority = numbers(more)
    return np.concatenate([values, added]), np.concatenate([minority, of_minority])


def resampled(sampler: Any, rows: Rows) -> Rows:
    """Let a sampler of imbalanced-learn balance the rows."""
    values, minority = sampler.fit_resample(*rows)
    return values, minority


def errors(rows: Rows, test: Rows, seed: int, threshold: float = 0.5) -> int:
    """Count the test rows that a network trained on some rows names wrongly."""
    network = MLPClassifier((128,), batch_size=100, max_iter=20, random_state=seed)
    network.n_iter_no_change = 20  # all epochs, so that there is nothing to warn of
    with np.errstate(all="ignore"):
        network.fit(*rows)
    called = network.predict_proba(test[0])[:, 1] > threshold
    return int((called != test[1]).sum())


def measure(
    table: pa.Table, test: Rows, seed: int, flags: list[str]
) -> tuple[dict[str, int], pa.Table, pa.Table]:
    """Count errors of each way on one draw; gives the real and made sixes too."""
    train = drawn(table, seed)
    rows = numbers(train)
    share = float(rows[1].mean())
    made = synthetic(train, seed, flags)
    ways: dict[str, Callable[[], int]] = {
        "plain": lambda: errors(rows, test, seed),
        "moved threshold": lambda: errors(rows, test, seed, share),
        "oversampled": lambda: errors(
            resampled(RandomOverSampler(random_state=seed), rows), test, seed
        ),
        "SMOTE": lambda: errors(resampled(SMOTE(random_state=seed), rows), test, seed),
        "VAE rows": lambda: errors(with_rows(rows, made), test, seed),
    }
    real = train.filter(pa.array(rows[1]))
    return {name: count() for name, count in ways.items()}, real, made


def draw(real: pa.Table, made: pa.Table, path: Path) -> None:
    """Draw some sixes of both kinds."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, SHOWN, figsize=(SHOWN, 2.4))
    for row, (title, table) in enumerate((("real", real), ("made", made))):
        pixels, _ = numbers(table.slice(0, SHOWN))
        for at, image in enumerate(pixels):
            axes[row, at].imshow(image.reshape(SIDE, SIDE), cmap="gray_r")
            axes[row, at].set_axis_off()
        axes[row, 0].set_title(title, fontsize=9, loc="left")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main() -> int:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one seed, --preset fast")
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    asked = parser.parse_args()
    hold_threads(1)
    asked.output.mkdir(parents=True, exist_ok=True)
    table = read(DATA / "mnist-train.parquet")
    both = read(DATA / "mnist-test.parquet")
    both = both.filter(pa.array(np.isin(labels_of(both, LABEL), (MAJORITY, MINORITY))))
    test = numbers(both)
    begun = time.monotonic()
    found = []
    for seed in range(1 if asked.quick else asked.seeds):
        flags = ["--preset", "fast"] if asked.quick else []
        counts, real, made = measure(table, test, seed, flags)
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
