"""What tests in several folders share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from cbvae_cli.cli.app import main

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_data"

# Several workers on few cores wait for each other; small tables need one thread.
torch.set_num_threads(1)


@pytest.fixture
def samples() -> Path:
    """Folder of the sample tables."""
    return SAMPLES


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with bundles of the sample tables, trained briefly.

    `payments.cbvae` and `defects.cbvae` are class-based, `pooled.cbvae` and
    `paper.cbvae` are their siblings on the defects table.
    """
    folder = tmp_path_factory.mktemp("trained")
    defects = [str(SAMPLES / "defects.csv"), "--label", "outcome", "--exclude", "part"]
    payments = [str(SAMPLES / "payments.csv"), "--label", "fraud"]
    runs = {
        "payments": [*payments, "--exclude", "payment_id"],
        "defects": defects,
        "pooled": [*defects, "--model", "vae"],
        "paper": [*defects, "--preset", "paper"],
    }
    for name, flags in runs.items():
        out = folder / f"{name}.cbvae"
        brief = ["--epochs", "6", "--hidden", "32", "--quiet", "-o", str(out)]
        assert main(["train", *flags, *brief]) == 0
    return folder


@pytest.fixture
def bundle(trained: Path, tmp_path: Path) -> Path:
    """Give a copy of the defects bundle that a test may spoil."""
    return Path(shutil.copy(trained / "defects.cbvae", tmp_path / "m.cbvae"))


@pytest.fixture(scope="session")
def bench_data() -> Path:
    """Folder of the public tables, or a skip that says how to get them."""
    folder = Path(os.environ.get("CBVAE_BENCH_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no public tables: set CBVAE_BENCH_DATA (README, Benchmarks)")
    return folder
