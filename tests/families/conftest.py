from __future__ import annotations

import numpy as np
import pytest

from cbvae_cli.families import FAMILIES
from cbvae_cli.records import Columns
from cbvae_cli.training.presets import PRESETS

BRIEF = {
    "steps": 300,
    "joint_steps": 40,
    "hidden": (64,),  # fewer do not hold three classes apart
    "latent": 3,
    "batch": 64,
}


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


CASES = [*((f, p, 2) for f in FAMILIES for p in PRESETS if p in ("default", "paper")),
         ("cbvae", "fast", 1)]  # fmt: skip


@pytest.fixture(
    scope="session", params=CASES, ids=lambda case: "-".join(map(str, case))
)
def fitted(request, rows_file, learn):
    """A model trained briefly, and the table it learnt from."""
    family, preset, members = request.param
    made = learn(
        rows_file, Columns("outcome"), preset, model=family, members=members, **BRIEF
    )
    made.encoded = made.model.layout.encode(made.table.values)
    return made
