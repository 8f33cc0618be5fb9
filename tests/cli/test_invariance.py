"""What no answer may depend on: batches, the order of rows, the order of columns."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cbvae_cli.cli.app import main

ROWS = 40
CLOSE = 1e-5
# Bundle, verb, flags; the rows of every table have gaps and come with an id.
ASKED = {
    "classify": ("payments", "classify", "--logodds"),
    "classify by likelihood": ("defects", "classify", "--rule likelihood"),
    "classify by probability": ("defects", "classify", "--rule probability"),
    "classify by the error": ("defects", "classify", "--rule error"),
    "classify or not": ("payments", "classify", "--abstain 0.1"),
    "classify, pooled": ("pooled", "classify", ""),
    "impute": ("payments", "impute", ""),
    "impute, of a paper": ("paper", "impute", ""),
    "score": ("payments", "score", "--cells --repair"),
    "score by neighbours": ("defects", "score", "--method neighbours"),
    "score by a forest": ("defects", "score", "--method isolation-forest"),
    "score by distances": ("defects", "score", "--method class-distance"),
    "score for a class": ("payments", "score", "--against no --method probability"),
    "embed": ("payments", "embed", "--shift no:yes"),
}
KEY = {"payments": "payment_id"}
Table = tuple[list[str], list[list[str]]]


def gappy(samples: Path, bundle: str) -> Table:
    """Give the first rows of a sample table, with more gaps than it has."""
    path = samples / f"{'payments' if bundle == 'payments' else 'defects'}_new.csv"
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    rng = np.random.default_rng(7)
    rows = [
        [row[0], *("" if rng.random() < 0.2 else cell for cell in row[1:])]
        for row in rows[:ROWS]
    ]
    return header, rows


def ask(folder: Path, trained: Path, case: str, table: Table, *flags: str):
    """Write a table and ask about it; gives cells by column and id."""
    bundle, verb, said = ASKED[case]
    with (folder / "in.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([table[0], *table[1]])
    argv = [verb, str(trained / f"{bundle}.cbvae"), f"{folder}/in.csv", *said.split()]
    argv += ["-o", f"{folder}/out.csv", "--quiet", "--force", *flags]
    assert main(argv) == 0
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    key = header.index(KEY.get(bundle, "part"))
    assert [row[key] for row in rows] == [
        row[table[0].index(header[key])] for row in table[1]
    ]
    assert header[: len(table[0])] == table[0]
    return {name: {row[key]: row[at] for row in rows} for at, name in enumerate(header)}


def alike(one: str, other: str) -> bool:
    """Tell whether two cells say the same."""
    try:
        return bool(np.isclose(float(one), float(other), rtol=CLOSE, atol=CLOSE))
    except ValueError:
        return one == other


@pytest.fixture(scope="module")
def whole(trained, tmp_path_factory):
    """Give the answer to the table as it is, asked once for each case."""
    folder, known = tmp_path_factory.mktemp("whole"), {}

    def give(case, table):
        if case not in known:
            known[case] = ask(folder, trained, case, table)
        return known[case]

    return give


@pytest.mark.parametrize("case", ASKED)
@settings(
    max_examples=3,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_answers_depend_on_the_row_alone(case, data, whole, trained, samples, tmp_path):
    header, rows = gappy(samples, ASKED[case][0])
    expected = whole(case, (header, rows))
    order = data.draw(st.permutations(range(len(header))), label="columns")
    chosen = data.draw(st.permutations(range(ROWS)), label="rows")
    chosen = chosen[: data.draw(st.integers(1, ROWS), label="how many")]
    size = data.draw(st.sampled_from([1, 3, 16, 1000]), label="batch")
    turned = (
        [header[at] for at in order],
        [[rows[row][at] for at in order] for row in chosen],
    )
    found = ask(tmp_path, trained, case, turned, "--batch-rows", str(size))
    assert set(found) == set(expected)
    for name, cells in found.items():
        for key, cell in cells.items():
            assert alike(cell, expected[name][key]), (
                name,
                key,
                cell,
                expected[name][key],
            )


@pytest.mark.parametrize("flags", [["--draws", "3"], ["--sd"]], ids=" ".join)
def test_what_is_drawn_depends_on_the_place_of_its_row_alone(
    trained, samples, tmp_path, flags
):
    header, rows = gappy(samples, "payments")
    bundle = str(trained / "payments.cbvae")
    found = []
    for name, order, size in (
        ("a", range(len(header)), "1000"),
        ("b", range(len(header))[::-1], "3"),
    ):
        with (tmp_path / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(header[at] for at in order)
            writer.writerows([row[at] for at in order] for row in rows)
        argv = ["impute", bundle, f"{tmp_path}/{name}.csv", *flags, "--quiet"]
        argv += ["-o", f"{tmp_path}/{name}-out.csv", "--batch-rows", size]
        assert main(argv) == 0
        with (tmp_path / f"{name}-out.csv").open(newline="", encoding="utf-8") as file:
            found.append(list(csv.DictReader(file)))
    one, other = found
    assert len(one) == len(other) in (ROWS, 3 * ROWS)
    for row, again in zip(one, other, strict=True):
        assert all(alike(cell, again[name]) for name, cell in row.items())
