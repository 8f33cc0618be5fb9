from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def manifest():
    """What a training run hands over; the container adds its own keys."""
    return {
        "program": {"name": "cbvae", "version": "0.1.0"},
        "model": {"family": "cbvae", "preset": "fast"},
        "label": {
            "column": "outcome",
            "classes": ["0", "1"],
            "counts": [90, 10],
            "positive": "1",
        },
        "schema": {"columns": [{"name": "größe", "kind": "numeric"}]},
        "data": {"rows": 100, "digest": "ab" * 32, "name": "wards.csv"},
        "training": {
            "held_out": {"auprc": {"macro": 0.75}, "log_loss": 0.25},
            "steps": 300,
            "settings": {"latent": 8, "beta": 0.5},
            "warnings": ["column 'ward' is constant"],
        },
    }


@pytest.fixture
def arrays():
    return {
        "encoder/weight": np.arange(6, dtype=np.float32).reshape(2, 3),
        "mean": np.array([1.5, -2.5]),
        "seen": np.array([True, False, True]),
        "steps": np.array(7, dtype=np.int64),
        "codes": np.array([3, -1], dtype=np.int32),
        "bytes": np.array([0, 255], dtype=np.uint8),
        "none": np.empty((0, 4), dtype=np.float32),
    }


@pytest.fixture
def written(tmp_path, manifest, arrays):
    """One bundle on disk, as `tmp_path / "m.cbvae"`."""
    from cbvae_cli.bundle.container import write_bundle

    return write_bundle(tmp_path / "m.cbvae", manifest, arrays, "# Card\n", force=False)
