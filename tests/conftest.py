"""What tests in several folders share."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from cbvae_cli.bundle.model import save_model
from cbvae_cli.calibration import boosting, neighbours
from cbvae_cli.records import Columns
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training import filling
from cbvae_cli.training.fit import SCALES, fit
from cbvae_cli.training.presets import PRESETS
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "sample_data"

# Several workers on few cores wait for each other; small tables need one thread.
torch.set_num_threads(1)


@pytest.fixture
def samples() -> Path:
    """Folder of the sample tables."""
    return SAMPLES


# What takes time in training and changes nothing that tests ask of it.
FEW_TREES = {"ITERATIONS": 30, "MOST_TREES": 60, "LEAST_ITERATIONS": 10}
FEW_CENTRES = {"MOST_CENTRES": 64, "MOST_LEARNT": 1024}
JOINT_STEPS, FILLER_STEPS = 30, 40
FILLER_TREES = 10


@pytest.fixture(scope="session", autouse=True)
def brief():
    """Train briefly, all tests through: what runs is real, but there is less of it."""
    with pytest.MonkeyPatch.context() as patch:
        for name, preset in PRESETS.items():
            fewer = {
                "joint_steps": min(preset.joint_steps, JOINT_STEPS),
                "filler_steps": min(preset.filler_steps, FILLER_STEPS),
            }
            patch.setitem(PRESETS, name, replace(preset, **fewer))
        for name, number in FEW_TREES.items():
            patch.setattr(boosting, name, number)
        patch.setattr(filling, "ITERATIONS", FILLER_TREES)
        for name, number in FEW_CENTRES.items():
            patch.setattr(neighbours, name, number)
        yield


@pytest.fixture(scope="session", autouse=True)
def heard():
    """Hear Ctrl-C even where the tests run in the background, which ignores it."""
    usual = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


def learn(path: Path, columns: Columns, preset: str, **changes) -> SimpleNamespace:
    """Train a model on a table with some settings of a preset changed."""
    settings = replace(PRESETS[preset], **changes)
    with open_source(str(path), ReadOptions(), reread=True) as source:
        schema, _ = find_schema(source, columns)
        keep_all = thinning_for(schema, None)
        table = read_table(source, schema, SCALES[settings.scale], keep_all)
    model = fit(
        table,
        settings,
        device=torch.device("cpu"),
        observe=lambda _: None,
        run_folder=None,
        resume=False,
    )
    return SimpleNamespace(model=model, table=table)


@pytest.fixture(scope="session", name="learn")
def learn_fixture():
    """Train a model; see `learn`."""
    return learn


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, brief: None) -> Path:
    """Give a folder with bundles of the sample tables, trained briefly.

    `payments.cbvae` and `defects.cbvae` are class-based, `pooled.cbvae` and
    `paper.cbvae` are their siblings on the defects table. Members are two, five, two
    and one.
    """
    folder = tmp_path_factory.mktemp("trained")
    payments = SAMPLES / "payments.csv", Columns("fraud", exclude=("payment_id",))
    defects = SAMPLES / "defects.csv", Columns("outcome", exclude=("part",))
    brief = {"hidden": (32,), "steps": 200, "batch": 64}
    runs = {
        "payments": (*payments, "default", {"members": 2}),
        "defects": (*defects, "default", {}),
        "pooled": (*defects, "default", {"model": "vae", "members": 2}),
        "paper": (*defects, "paper", {}),
    }
    for name, (path, columns, preset, changes) in runs.items():
        model = learn(path, columns, preset, **brief, **changes).model
        save_model(model, str(folder / f"{name}.cbvae"), force=False)
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
