import csv
import runpy
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "sample_data"
NAMES = {"payments.csv", "payments_new.csv", "defects.csv", "defects_new.csv"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    runpy.run_path(str(FOLDER / "make.py"))["main"](folder)
    return folder


def rows(name):
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_making_the_tables_again_gives_the_same_bytes(made):
    assert {path.name for path in made.iterdir()} == NAMES
    for name in NAMES:
        assert (made / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_tables_are_small():
    assert sum((FOLDER / name).stat().st_size for name in NAMES) < 1_000_000


@pytest.mark.parametrize(
    ("name", "label", "rarest"),
    [("payments", "fraud", ("yes", 120)), ("defects", "outcome", ("warp", 48))],
)
def test_the_rare_class_is_there_and_new_rows_bear_no_label(name, label, rarest):
    counts = Counter(row[label] for row in rows(f"{name}.csv"))
    assert counts.most_common()[-1] == rarest
    assert label not in rows(f"{name}_new.csv")[0]
    assert "" not in counts


def test_the_columns_are_the_same_but_for_the_label():
    for name in ("payments", "defects"):
        known = list(rows(f"{name}.csv")[0])
        assert list(rows(f"{name}_new.csv")[0]) == known[:-1]


def test_new_payments_have_more_missing_cells():
    def share(table):
        cells = [value for row in table for value in row.values()]
        return cells.count("") / len(cells)

    assert share(rows("payments_new.csv")) > 1.3 * share(rows("payments.csv"))
