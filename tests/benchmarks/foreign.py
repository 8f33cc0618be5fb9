"""Are rows of a class that training never saw refused by `--abstain`?

Run by hand, with the package installed together with its extras `dev` and `compare`:

    python tests/benchmarks/foreign.py [--rows 20000] [--preset fast] [--seed 0]

A bundle is trained on the digits 0 to 8 of MNIST and asked about all digits of the test
file; printed is the share of each digit's rows that got no label.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
from cases import DATA
from catalogue import labels_of, read, write
from contest import hold_threads
from tables import Bench

FOREIGN = "9"
REFUSED = 0.05
LABEL = "label"


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000, help="of training")
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    hold_threads(asked.threads)
    rng = np.random.default_rng(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), ".parquet", asked.threads)
        digits = read(DATA / "mnist-train.parquet")
        known = np.flatnonzero(labels_of(digits, LABEL) != FOREIGN)
        some = rng.choice(known, min(asked.rows, len(known)), replace=False)
        write(digits.take(pa.array(np.sort(some))), bench.file("train"))
        test = read(DATA / "mnist-test.parquet")
        write(test, bench.file("test"))
        bundle, out = Path(folder) / "digits.cbvae", bench.file("answers")
        words = ("--label", LABEL, "--preset", asked.preset, "--seed", asked.seed)
        bench.run("train", "train", bench.file("train"), *words, "-o", bundle)
        if not bench.faults:
            words = (bundle, bench.file("test"), "--abstain", REFUSED, "--only")
            bench.run("classify", "classify", *words, "-o", out)
        if bench.faults:
            raise SystemExit("; ".join(bench.faults))
        calls = read(out)
        empty = calls["cbvae_label"].to_pandas().fillna("").astype(str) == ""
        truth = labels_of(test, LABEL)
    for digit in sorted(set(truth)):
        share = float(empty[truth == digit].mean())
        print(f"{digit}: {share:.4f} of {int((truth == digit).sum())} refused")
    foreign = float(empty[truth == FOREIGN].mean())
    own = float(empty[truth != FOREIGN].mean())
    print(f"known {own:.4f}, foreign {foreign:.4f}: {foreign / own:.1f} times as often")
    print(f"train {bench.seconds['train']:.0f} s, {bench.peak['train'] / 2**20:.0f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
