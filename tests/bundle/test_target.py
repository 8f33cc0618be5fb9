"""Names that a new bundle may have."""

import pytest

from cbvae_cli.bundle.target import check_name
from cbvae_cli.errors import UsageProblem


@pytest.mark.parametrize(
    "path", ["m.cbvae", "M.CBVAE", "v1.2.cbvae", "model", "out/bundle", "a.b/m"]
)
def test_a_name_with_the_ending_or_without_any_is_accepted(path):
    assert check_name(path) is None


@pytest.mark.parametrize(
    "path", ["q.zip", "q.csv", "q.PARQUET", "m.cbvae.gz", "v1.2", "models/m.json"]
)
def test_another_ending_is_refused(path):
    with pytest.raises(UsageProblem, match="is not the name of a bundle"):
        check_name(path)


def test_a_folder_is_refused():
    with pytest.raises(UsageProblem, match="'models/' is a folder"):
        check_name("models/")


@pytest.mark.parametrize("path", ["@2", "models/@5", "models/@"])
def test_a_number_in_a_store_is_refused(path):
    with pytest.raises(UsageProblem, match="names a bundle that is in a store"):
        check_name(path)
