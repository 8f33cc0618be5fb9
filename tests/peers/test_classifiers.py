"""Other libraries' classifiers: the same protocol, sound answers, clear refusals."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cbvae_cli.peers.classifiers import SOLVERS, classifier
from cbvae_cli.peers.features import CannotRun, Features

NEEDED = {
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "smote-xgboost": "imblearn",
    "balanced-forest": "imblearn",
}


@pytest.fixture(params=SOLVERS)
def peer(request):
    """Give every peer that is installed here."""
    package = NEEDED.get(request.param)
    if package is not None:
        for name in {package, "xgboost"} if "xgboost" in request.param else {package}:
            pytest.importorskip(name, reason="needs the extra `compare`")
    return classifier(request.param, 1)


def test_rare_rows_are_told_apart_by_all_and_twice_alike(peer, draw):
    labels = (np.arange(400) % 10 == 0).astype(int)
    train, test = draw(labels, 1), draw(labels, 2)
    found = peer.fit_predict(train, labels, test, 0)
    assert found.shape == (400, 2)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert roc_auc_score(labels, found[:, 1]) > 0.9
    np.testing.assert_array_equal(found, peer.fit_predict(train, labels, test, 0))


def test_classes_of_one_and_two_rows_and_an_absent_one_break_nothing(peer, draw):
    labels = np.repeat([0, 2, 3, 4], [90, 60, 2, 1])
    found = peer.fit_predict(draw(labels, 1), labels, draw(labels, 2), 0)
    assert found.shape == (153, 5)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    assert (found[:, 1] == 0).all()
    assert roc_auc_score(labels == 2, found[:, 2]) > 0.8


@pytest.mark.parametrize("names", [True, False])
def test_tables_of_names_or_of_numbers_alone_are_taken(peer, draw, names):
    labels = (np.arange(200) % 5 == 0).astype(int)
    both = draw(labels, 3)
    rows = Features(
        both.values[:, both.categorical == names],
        both.categorical[both.categorical == names],
    )
    found = peer.fit_predict(rows, labels, rows, 0)
    assert roc_auc_score(labels, found[:, 1]) > 0.8


def test_one_class_is_refused_in_a_sentence(peer, draw):
    labels = np.zeros(30, dtype=int)
    with pytest.raises(CannotRun, match=f"{peer.name} needs training rows of two"):
        peer.fit_predict(draw(labels, 1), labels, draw(labels, 2), 0)


def test_a_forest_on_imputed_cells_is_for_tables_with_gaps(draw):
    labels = np.arange(60) % 2
    rows = draw(labels, 1, gaps=0)
    with pytest.raises(CannotRun, match="missing cells"):
        classifier("imputed-forest", 1).fit_predict(rows, labels, rows, 0)


@pytest.mark.parametrize("name", NEEDED)
def test_without_its_package_a_peer_names_it(name, draw, monkeypatch):
    monkeypatch.setitem(sys.modules, NEEDED[name], None)
    for module in [m for m in sys.modules if m.startswith(f"{NEEDED[name]}.")]:
        monkeypatch.setitem(sys.modules, module, None)
    labels = np.arange(40) % 2
    rows = draw(labels, 1)
    with pytest.raises(CannotRun, match=f"package {NEEDED[name]}.*extra `compare`"):
        classifier(name, 1).fit_predict(rows, labels, rows, 0)
