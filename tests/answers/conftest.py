from pathlib import Path
from types import SimpleNamespace

import pytest

from cbvae_cli.answers.known import Known
from cbvae_cli.records import Columns

SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(scope="package")
def paid(learn) -> SimpleNamespace:
    """Give a model of the payments table and its rows, as `known`."""
    columns = Columns("fraud", exclude=("payment_id",))
    brief = {"hidden": (32,), "steps": 200, "batch": 64, "members": 2}
    found = learn(SAMPLES / "payments.csv", columns, "default", **brief)
    table = found.table
    found.known = Known("payments.csv", table.schema, table.values, table.labels)
    return found
