from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from cbvae_cli.families import FAMILIES
from cbvae_cli.records import Columns
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.fit import SCALES, fit
from cbvae_cli.training.presets import PRESETS
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for

CPU = torch.device("cpu")
BRIEF = {"steps": 300, "hidden": (16,), "latent": 3, "batch": 64}


def write_rows(path, n_rows=260):
    """Write a table of three classes with every kind of column and some gaps."""
    rng = np.random.default_rng(0)
    place = rng.choice(3, n_rows, p=[0.6, 0.3, 0.1])
    words = np.array(["brass", "steel", "zinc"])
    days = np.datetime64("2024-01-01") + rng.integers(0, 200, n_rows)
    columns = {
        "width": [f"{width:.2f}" for width in rng.normal(3.0 * place, 1.0)],
        "parts": (rng.integers(-500, 500, n_rows) + 300 * place).astype(str).tolist(),
        "faults": rng.poisson(0.5 + 1.5 * place).astype(str).tolist(),
        "checked": np.where(
            rng.random(n_rows) < 0.2 + 0.3 * place, "yes", "no"
        ).tolist(),
        "metal": words[(place + (rng.random(n_rows) < 0.2)) % 3].tolist(),
        "made": days.astype(str).tolist(),
    }
    for cells in columns.values():
        for row in np.flatnonzero(rng.random(n_rows) < 0.1):
            cells[row] = ""
    columns["outcome"] = [("fine", "bent", "cracked")[p] for p in place]
    lines = [",".join(columns), *map(",".join, zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def rows_file(tmp_path_factory):
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.csv")


@pytest.fixture(
    scope="session",
    params=[(f, p) for f in FAMILIES for p in PRESETS],
    ids=lambda param: "-".join(param),
)
def fitted(request, rows_file):
    """A model trained briefly, and the table it learnt from."""
    family, preset = request.param
    settings = dataclasses.replace(PRESETS[preset], model=family, **BRIEF)
    with open_source(str(rows_file), ReadOptions(), reread=True) as source:
        schema, _ = find_schema(source, Columns("outcome"))
        keep_all = thinning_for(schema, None)
        table = read_table(source, schema, SCALES[settings.scale], keep_all)
    model = fit(
        table,
        settings,
        device=CPU,
        observe=lambda _: None,
        run_folder=None,
        resume=False,
    )
    return SimpleNamespace(
        model=model, table=table, encoded=model.layout.encode(table.values)
    )
