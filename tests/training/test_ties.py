"""Columns that follow from others: found, followed, and not made up."""

from dataclasses import replace

import numpy as np
import pytest

from cbvae_cli.answers.making import on_lattice
from cbvae_cli.records import Columns
from cbvae_cli.table.schema import Schema
from cbvae_cli.table.source import ReadOptions, open_source
from cbvae_cli.table.ties import restore_tie
from cbvae_cli.training.fit import SCALES
from cbvae_cli.training.read import find_schema, read_table
from cbvae_cli.training.thin import thinning_for
from cbvae_cli.training.tie_checks import LEAST_ROWS
from cbvae_cli.training.ties import still_hold

N_ROWS = 200


def read(path, text):
    path.write_text(text)
    with open_source(str(path), ReadOptions(), reread=True) as source:
        schema, _ = find_schema(source, Columns("y"))
        keep_all = thinning_for(schema, None)
        return read_table(source, schema, SCALES["quantile"], keep_all)


def written(tmp_path, columns, n_rows=N_ROWS):
    columns = {**columns, "y": np.arange(n_rows) % 2}
    lines = [",".join(columns)]
    lines += [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    return read(tmp_path / "t.csv", "\n".join(lines) + "\n")


def cells(n_rows=N_ROWS):
    rng = np.random.default_rng(0)
    a = rng.integers(10, 90, n_rows)
    b = rng.integers(3, 40, n_rows)
    c = np.round(rng.normal(5, 2, n_rows), 3)
    names = rng.choice(["oak", "elm", "ash", "fir"], n_rows)
    return a, b, c, names


CASES = {
    "equal": lambda a, b, c, names: a,
    "line": lambda a, b, c, names: np.round(2.5 * c - 4, 4),
    "sum": lambda a, b, c, names: a + b,
    "difference": lambda a, b, c, names: a - b,
    "three": lambda a, b, c, names: np.round(a + b + c, 3),
    "product": lambda a, b, c, names: a * b,
    "ratio": lambda a, b, c, names: np.round(a / b, 3),
    "name for name": lambda a, b, c, names: np.char.upper(names),
    "number for name": lambda a, b, c, names: np.char.str_len(names) + (names == "elm"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_follows_is_found_and_followed(tmp_path, case):
    a, b, c, names = cells()
    found = CASES[case](a, b, c, names)
    table = written(tmp_path, {"a": a, "b": b, "c": c, "d": names, "z": found})
    assert len(table.schema.ties) == 1
    (tie,) = table.schema.ties
    assert "z" in (tie.target, *tie.sources)
    assert restore_tie(tie.describe()) == tie
    at = {column.name: place for place, column in enumerate(table.schema.modelled)}
    values = tie.follow([table.values[:, at[name]] for name in tie.sources])
    place = at[tie.target]
    given = table.values[:, place]
    assert on_lattice(table.schema.kinds[place], values) == pytest.approx(given)


def test_a_flag_that_tells_of_gaps_is_found(tmp_path):
    a, b, _, _ = cells()
    gone = np.random.default_rng(2).random(N_ROWS) < 0.3
    columns = {"a": np.where(gone, "", a.astype(str)), "b": b}
    told = {"known": np.where(gone, "f", "t"), "other": np.where(b > 20, "f", "t")}
    (tie,) = written(tmp_path, columns | told).schema.ties
    assert (tie.target, tie.sources) == ("known", ("a",))
    assert restore_tie(tie.describe()) == tie
    assert tie.follow([np.array([np.nan, 3.0])]).tolist() == [0.0, 1.0]
    told["known"][np.flatnonzero(gone)[0]] = "t"
    assert not written(tmp_path, columns | told).schema.ties


def test_ties_survive_the_schemas_json(tmp_path):
    a, b, _, _ = cells()
    schema = written(tmp_path, {"a": a, "b": b, "c": a * b, "d": a + b}).schema
    assert len(schema.ties) == 2
    again = Schema.restore(schema.describe(), schema.arrays(), schema.label)
    assert again.ties == schema.ties


def test_a_chain_is_given_in_the_order_in_which_it_can_be_followed(tmp_path):
    a, b, _, _ = cells()
    total = a + b
    columns = {"share": np.round(a / (a * total), 6), "area": a * total}
    table = written(tmp_path, {**columns, "total": total, "a": a, "b": b})
    given = set()
    targets = {tie.target for tie in table.schema.ties}
    assert len(table.schema.ties) == len(targets) >= 2
    for tie in table.schema.ties:
        assert not (set(tie.sources) & targets) - given
        given.add(tie.target)


@pytest.mark.parametrize("case", CASES)
def test_one_row_that_disagrees_is_enough(tmp_path, case):
    a, b, c, names = cells()
    found = CASES[case](a, b, c, names).copy()
    found[7] = found[np.flatnonzero(found != found[7])[0]]
    columns = {"a": a, "b": b, "c": c, "d": names, "z": found}
    assert not written(tmp_path, columns).schema.ties


def test_noise_and_few_rows_tie_nothing(tmp_path):
    rng = np.random.default_rng(3)
    noise = {f"x{at}": rng.integers(0, 30, N_ROWS) for at in range(12)}
    flags = {f"f{at}": rng.choice(["u", "v", "w"], N_ROWS) for at in range(4)}
    assert not written(tmp_path, noise | flags).schema.ties
    a, b, _, _ = cells(LEAST_ROWS - 2)
    few = {"a": a, "b": b, "z": a * b}
    assert not written(tmp_path, few, LEAST_ROWS - 2).schema.ties


def test_gaps_do_not_hide_a_tie(tmp_path):
    a, b, _, _ = cells()
    rng = np.random.default_rng(1)
    columns = {"a": a, "b": b, "z": a * b}
    gappy = {
        name: np.where(rng.random(N_ROWS) < 0.1, "", column.astype(str))
        for name, column in columns.items()
    }
    (tie,) = written(tmp_path, gappy).schema.ties
    assert (tie.target, set(tie.sources)) == ("z", {"a", "b"})


def test_rows_of_a_new_class_end_a_tie_that_they_break(tmp_path):
    a, b, _, _ = cells()
    table = written(tmp_path, {"a": a, "b": b, "z": a * b})
    assert still_hold(table.schema, table.values) == table.schema.ties
    broken = table.values.copy()
    broken[3] += 1
    assert still_hold(table.schema, broken) == ()
    assert still_hold(replace(table.schema, ties=()), broken) == ()
