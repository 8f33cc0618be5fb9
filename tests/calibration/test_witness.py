"""What a class keeps of its rows, in a bundle and back."""

from __future__ import annotations

import numpy as np
import torch

from cbvae_cli.bundle.model import open_model
from cbvae_cli.calibration.neighbours import MOST_CENTRES
from cbvae_cli.calibration.witness import NO_SCORES, Witness

CPU = torch.device("cpu")


def test_a_witness_comes_back_from_its_arrays(trained):
    model = open_model(str(trained / "defects.cbvae"), CPU)
    for witness in model.witnesses:
        arrays = witness.arrays()
        again = Witness.restore(arrays, len(witness.homes))
        assert again.weight == witness.weight
        found = again.arrays()
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)


def test_a_bundle_keeps_few_centres_and_a_usual_cell_a_column(trained):
    for name in ("defects", "payments", "pooled", "paper"):
        model = open_model(str(trained / f"{name}.cbvae"), CPU)
        assert len(model.witnesses) == len(model.classes)
        for witness in model.witnesses:
            assert len(witness.homes) == model.family.n_members
            assert witness.usual.shape == (len(model.schema.modelled),)
            assert np.isfinite(witness.usual).all()
            for home in witness.homes:
                for crowd in home.crowds.values():
                    assert len(crowd.centres) >= 1
                    assert len(crowd.centres) * len(witness.homes) <= MOST_CENTRES


def test_without_scores_there_are_no_ranks():
    assert NO_SCORES.n_rows == 0
    assert NO_SCORES.p_values(np.array([[3.0]])).tolist() == [1.0]
