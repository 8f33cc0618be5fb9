"""From a table to a model, twice over."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from cbvae_cli.bundle.model import describe
from cbvae_cli.errors import Interrupted, UsageProblem
from cbvae_cli.records import Columns, Settings
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.fit import SCALES, estimate_seconds, fit
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for

CPU = torch.device("cpu")
BRIEF = Settings(latent=2, hidden=(8,), steps=40, batch=32)


@pytest.fixture
def make_table(tmp_path):
    """Read a table with so many rows of each class."""

    def make(*sizes, seed=0):
        rng = np.random.default_rng(seed)
        lines = ["a,b,y"]
        for place, size in enumerate(sizes):
            for a in rng.normal(3 * place, 1, size):
                lines.append(f"{a:.2f},{'pq'[int(rng.random() < 0.3)]},c{place}")
        path = tmp_path / "rows.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with open_source(str(path), ReadOptions(), reread=True) as source:
            schema, _ = find_schema(source, Columns("y"))
            return read_table(
                source, schema, SCALES["quantile"], thinning_for(schema, None)
            )

    return make


def run(table, settings=BRIEF, *, observe=lambda _: None, folder=None, resume=False):
    return fit(
        table,
        settings,
        device=CPU,
        observe=observe,
        run_folder=folder,
        resume=resume,
    )


def everything(model):
    manifest, arrays = describe(model)
    return json.dumps(manifest), {name: a.tobytes() for name, a in arrays.items()}


def test_the_same_seed_gives_the_same_model_to_the_bit(make_table):
    one, other = (everything(run(make_table(80, 40))) for _ in range(2))
    assert one == other


@pytest.mark.parametrize("model", ["cbvae", "vae"])
@pytest.mark.parametrize("sizes", [(60,), (60, 1), (60, 2, 9), (3, 4), (1, 1, 30)])
def test_classes_of_any_size_train(make_table, model, sizes):
    settings = Settings(**{**BRIEF.__dict__, "model": model})
    fitted = run(make_table(*sizes), settings)
    manifest, arrays = describe(fitted)
    json.dumps(manifest, allow_nan=False)
    assert all(np.isfinite(array).all() for array in arrays.values())
    named = [w for w in fitted.training["warnings"] if "all train" in w]
    assert len(named) == sum(size < 10 for size in sizes)


def test_an_interrupted_fit_ends_in_the_same_model(make_table, tmp_path):
    import signal

    def stop(epoch):
        if epoch.step >= 20:
            signal.raise_signal(signal.SIGINT)

    table = make_table(80, 40)
    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        run(table, observe=stop, folder=folder)
    resumed = run(table, folder=folder, resume=True)
    assert everything(resumed) == everything(run(table))


def test_other_rows_or_settings_are_not_resumed(make_table, tmp_path):
    import signal

    folder = tmp_path / "run"
    with pytest.raises(Interrupted):
        run(
            make_table(80, 40),
            observe=lambda _: signal.raise_signal(signal.SIGINT),
            folder=folder,
        )
    for table, settings in (
        (make_table(80, 40, seed=1), BRIEF),
        (make_table(80, 40), Settings(**{**BRIEF.__dict__, "rate": 1e-3})),
    ):
        with pytest.raises(UsageProblem, match="other data or settings"):
            run(table, settings, folder=folder, resume=True)


def test_parts_are_counted_by_class(make_table):
    parts = run(make_table(100, 5)).training["parts"]
    assert [sum(column) for column in zip(*parts.values(), strict=True)] == [100, 5]
    assert parts["train"][1] == 5


def test_an_estimate_leaves_training_as_it_was(make_table):
    table = make_table(80, 40)
    before = everything(run(table))
    assert estimate_seconds(table, BRIEF, CPU) > 0
    assert everything(run(table)) == before
