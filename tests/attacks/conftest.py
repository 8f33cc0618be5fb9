import os

import pytest


@pytest.fixture
def folder(tmp_path):
    """Where the bundle is read; nothing else may appear in it."""
    yield tmp_path
    assert os.listdir(tmp_path) in ([], ["x.cbvae"])


@pytest.fixture
def path(folder):
    return folder / "x.cbvae"
