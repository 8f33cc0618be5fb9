"""Make the stored numbers again: `python tests/golden/remake.py`.

Run it after a change that is meant to move numbers, and read the difference before
you commit it. It writes

- `numbers.json`: losses and evidence of short trainings on an easy table, by family
  and preset. They guard against changes by accident; they say nothing of whether the
  numbers are good, and easy data hide what happens on hard ones.
- `format-N.cbvae` and `format-N.csv`, N the current bundle format: a small bundle and
  what it answers. An existing one is never touched, since it stands for the files
  that users have; raise the format, or, before its first release, remove both.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cbvae_cli.bundle.container import CURRENT
from cbvae_cli.cli.app import main
from cbvae_cli.evidence import evidence
from cbvae_cli.families import FAMILIES
from cbvae_cli.families.rows import PARTS
from cbvae_cli.records import Columns
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.training.fit import SCALES, fit
from cbvae_cli.training.presets import PRESETS
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for

HERE = Path(__file__).parent
SAMPLES = HERE.parents[1] / "sample_data"
NUMBERS = HERE / "numbers.json"
SETTINGS = {"latent": 2, "hidden": (8,), "steps": 25, "joint_steps": 10}
SETTINGS |= {"batch": 32, "search": False, "seed": 0}
SHOWN = 5  # rows whose evidence is stored
EACH = 8  # of the unlabelled sample rows, one in so many is classified


def write_table(path: Path) -> Path:
    """Write an easy table: two classes far apart, floats of few digits, some gaps."""
    rng = np.random.default_rng(20)
    place = np.arange(120) % 3 // 2
    values = np.round(rng.normal(5.0 * place[:, None], 1.0, (120, 4)), 2)
    cells = values.astype(str)
    cells[rng.random(cells.shape) < 0.1] = ""
    lines = ["a,b,c,d,class"]
    lines += [",".join([*row, "uv"[p]]) for row, p in zip(cells, place, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def numbers(model: str, preset: str) -> dict[str, Any]:
    """Train briefly and give losses and evidence."""
    settings = dataclasses.replace(PRESETS[preset], model=model, **SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        path = write_table(Path(folder) / "easy.csv")
        with open_source(str(path), ReadOptions(), reread=True) as source:
            schema, _ = find_schema(source, Columns("class"))
            keep_all = thinning_for(schema, None)
            table = read_table(source, schema, SCALES[settings.scale], keep_all)
    fitted = fit(
        table,
        settings,
        device=torch.device("cpu"),
        observe=lambda _: None,
        run_folder=None,
        resume=False,
    )
    encoded = fitted.layout.encode(table.values[:SHOWN])
    found = evidence(fitted.family, encoded, PARTS, len(table.labels))
    history = fitted.training["history"]
    return {
        "train": [loss for epoch in history[::8] for loss in epoch["train"]],
        "held_out": [loss for epoch in history[::8] for loss in epoch["held_out"]],
        "evidence": found.tolist(),
    }


def remake_numbers() -> None:
    """Write `numbers.json`."""
    found = {
        f"{model}-{preset}": numbers(model, preset)
        for model in FAMILIES
        for preset in PRESETS
    }
    rounded = json.loads(json.dumps(found), parse_float=lambda x: round(float(x), 6))
    NUMBERS.write_text(json.dumps(rounded, indent=1) + "\n", encoding="utf-8")


def freeze_bundle() -> None:
    """Write a bundle of the current format and its answers, unless they exist."""
    bundle = HERE / f"format-{CURRENT}.cbvae"
    if bundle.exists():
        return
    flags = ["--label", "outcome", "--exclude", "part", "--hidden", "8"]
    flags += ["--latent", "2", "--epochs", "150", "--threads", "1", "--device", "cpu"]
    table = str(SAMPLES / "defects.csv")
    if main(["train", table, *flags, "--quiet", "-o", str(bundle)]):
        raise SystemExit("no bundle was made")
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.csv"
        with (SAMPLES / "defects_new.csv").open(encoding="utf-8", newline="") as file:
            header, *rest = csv.reader(file)
        with rows.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rest[::EACH]])
        answers = str(bundle.with_suffix(".csv"))
        flags = ["--quiet", "--force", "--device", "cpu", "--threads", "1"]
        if main(["classify", str(bundle), str(rows), *flags, "-o", answers]):
            raise SystemExit("the bundle made does not answer")


if __name__ == "__main__":
    torch.set_num_threads(1)
    remake_numbers()
    freeze_bundle()
