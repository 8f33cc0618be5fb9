"""How well clusters and classes agree."""

import numpy as np
import pytest

from cbvae_cli.measures.clustering import clustering

CLASSES = np.array([0, 0, 0, 1, 1, 1])


def test_clusters_that_are_the_classes_agree_wholly():
    found = clustering(CLASSES, 1 - CLASSES)
    assert found == pytest.approx(dict.fromkeys(found, 1.0))


def test_a_single_cluster_is_complete_and_holds_all_kinds():
    found = clustering(CLASSES, np.zeros(6, dtype=np.int64))
    assert (found["homogeneity"], found["completeness"]) == (0.0, 1.0)
    assert found["v_measure"] == 0.0


def test_beta_is_the_weight_of_completeness():
    parts = np.array([0, 0, 1, 2, 2, 3])  # pure, but classes are split
    h, c = (clustering(CLASSES, parts)[key] for key in ("homogeneity", "completeness"))
    assert c < h == pytest.approx(1.0)
    for beta in (0.1, 1.0, 5.0):
        found = clustering(CLASSES, parts, beta)["v_measure"]
        assert found == pytest.approx((1 + beta) * h * c / (beta * h + c))
