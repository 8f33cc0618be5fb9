"""What odd tables are taken, and what becomes of them."""

import json

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from cbvae_cli.cli.app import main

BRIEF = ["--preset", "fast", "--epochs", "2", "--hidden", "16", "--quiet"]
N = 80
ANSWERS = ("cbvae_p_a", "cbvae_p_b", "cbvae_error_a", "cbvae_error_b")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def columns(rng):
    """Give a small table: numbers, names and a label of two classes."""
    return {
        "x": [f"{value:.2f}" for value in rng.normal(50, 10, N)],
        "k": [str(value) for value in rng.integers(0, 500, N)],
        "c": list(rng.choice(["red", "green", "blue"], N)),
        "y": ["a" if value < 0.7 else "b" for value in rng.random(N)],
    }


@pytest.fixture
def cbvae(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder; it must end well. Gives standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*argv):
        code = main([str(word) for word in argv])
        said = capsys.readouterr().err
        assert code == 0, said
        return said

    return run


@pytest.fixture
def train(cbvae):
    """Write a table, train on it and give the summary."""

    def run(columns, *flags, name="t", label="y"):
        write(columns, f"{name}.csv")
        argv = ["train", f"{name}.csv", "--label", label, "-o", f"{name}.cbvae"]
        cbvae(*argv, *BRIEF, *flags, "--json=t.json")
        with open("t.json") as file:
            return json.load(file)

    return run


def write(columns, path):
    csv.write_csv(pa.table({n: [str(v) for v in c] for n, c in columns.items()}), path)


def read(path):
    """Give the cells of a CSV file as text, by column."""
    names = csv.read_csv(path).column_names
    types = dict.fromkeys(names, pa.string())
    options = csv.ConvertOptions(column_types=types, strings_can_be_null=False)
    return csv.read_csv(path, convert_options=options).to_pydict()


def numbers(cells):
    return np.array([float(cell) for cell in cells])


def five_verbs(cbvae, name="t"):
    """Ask everything of a bundle and its table; gives the answers by verb."""
    found = {}
    for verb in ("classify", "impute", "score"):
        cbvae(verb, f"{name}.cbvae", f"{name}.csv", "-o", f"{verb}.csv", "--force")
        found[verb] = read(f"{verb}.csv")
    cbvae("augment", f"{name}.cbvae", "-n", "5", "-o", "augment.csv", "--force")
    found["augment"] = read("augment.csv")
    for column in ("cbvae_score", "cbvae_pvalue"):
        assert np.isfinite(numbers(found["score"][column])).all()
    assert len(found["augment"][next(iter(found["augment"]))]) == 5
    return found


# Columns.


def test_the_order_of_columns_does_not_matter(columns, cbvae, train):
    train(columns)
    write(dict(reversed(columns.items())), "turned.csv")
    cbvae("classify", "t.cbvae", "t.csv", "-o", "one.csv")
    cbvae("classify", "t.cbvae", "turned.csv", "-o", "other.csv")
    one, other = read("one.csv"), read("other.csv")
    assert list(other)[:4] == ["y", "c", "k", "x"]
    for name in ("cbvae_label", *ANSWERS):
        assert one[name] == other[name]


def test_extra_columns_pass_through_in_their_places(columns, cbvae, train):
    train(columns)
    note = [f'it, "{n}"' for n in range(N)]
    wide = {"first": note, "x": columns["x"], "mid": ["007"] * N, **columns}
    write(wide, "wide.csv")
    for verb in ("classify", "impute", "score"):
        cbvae(verb, "t.cbvae", "wide.csv", "-o", f"{verb}.csv")
        found = read(f"{verb}.csv")
        assert list(found)[:6] == ["first", "x", "mid", "k", "c", "y"]
        assert found["first"] == note
        assert found["mid"] == ["007"] * N


def test_a_column_missing_throughout_is_set_aside(columns, cbvae, train):
    summary = train({"gone": [""] * N, **columns})
    roles = {column["name"]: column["role"] for column in summary["columns"]}
    assert roles == {"gone": "empty", "x": "modelled", "k": "modelled", "c": "modelled"}
    found = five_verbs(cbvae)
    assert found["impute"]["gone"] == [""] * N
    assert found["augment"]["gone"] == [""] * 5
    write({**columns, "gone": ["3"] * N}, "more.csv")
    cbvae("classify", "t.cbvae", "more.csv", "-o", "more_named.csv")
    assert read("more_named.csv")["cbvae_p_a"] == found["classify"]["cbvae_p_a"]


def test_a_column_may_be_missing_throughout_when_asking(columns, cbvae, train):
    train(columns)
    write({**columns, "x": [""] * N, "c": ["NA"] * N}, "gappy.csv")
    cbvae("impute", "t.cbvae", "gappy.csv", "-o", "filled.csv")
    found = read("filled.csv")
    low, high = numbers(columns["x"]).min(), numbers(columns["x"]).max()
    assert (numbers(found["x"]) >= low).all()
    assert (numbers(found["x"]) <= high).all()
    assert set(found["c"]) <= set(columns["c"])
    for verb in ("classify", "score"):
        cbvae(verb, "t.cbvae", "gappy.csv", "-o", f"{verb}.csv")


def test_a_row_may_miss_every_cell(columns, cbvae, train):
    columns |= {name: ["", *columns[name][1:]] for name in ("x", "k", "c")}
    train(columns)
    found = five_verbs(cbvae)
    assert all(found["impute"][name][0] for name in columns)
    assert float(found["score"]["cbvae_score"][0]) == 0
    assert float(found["score"]["cbvae_pvalue"][0]) == 1
    named = found["classify"]
    assert float(named["cbvae_p_a"][0]) + float(named["cbvae_p_b"][0]) == pytest.approx(
        1
    )


def test_infinities_count_as_missing_and_are_told(columns, cbvae, train):
    columns["x"][3], columns["k"][4] = "inf", "-Infinity"
    summary = train(columns)
    assert "2 infinite cells are read as missing" in summary["warnings"]
    said = cbvae("impute", "t.cbvae", "t.csv", "-o", "filled.csv")
    assert "2 infinite cells are read as missing" in said
    found = read("filled.csv")
    assert np.isfinite(numbers(found["x"])).all()
    assert float(found["k"][4]) == int(found["k"][4])
    cbvae("classify", "t.cbvae", "t.csv", "-o", "named.csv")
    assert read("named.csv")["x"][3] == "inf"
    cbvae("classify", "t.cbvae", "t.csv", "-o", "named.parquet")
    typed = parquet.read_table("named.parquet")
    assert typed["x"][3].as_py() == np.inf
    assert typed["k"][4].as_py() is None


def test_thousands_of_categories_share_what_is_rare(rng, cbvae, train):
    n_rows = 6_000
    many = [f"city {place}" for place in rng.permutation(n_rows) % 5_000]
    many[:300] = [f"big {n % 3}" for n in range(300)]
    y = ["a" if n % 3 else "b" for n in range(n_rows)]
    x = rng.integers(0, 90, n_rows)
    train({"city": many, "x": x, "y": y}, "--epochs", "1")
    write({"city": ["", "nowhere", "big 1"], "x": [1, 2, 3]}, "new.csv")
    cbvae("impute", "t.cbvae", "new.csv", "-o", "filled.csv")
    city = read("filled.csv")["city"]
    assert city[0] in {"big 0", "big 1", "big 2"}
    assert city[1:] == ["nowhere", "big 1"]
    cbvae("classify", "t.cbvae", "new.csv", "-o", "named.csv")
    cbvae("augment", "t.cbvae", "-n", "50", "-o", "more.csv")
    assert set(read("more.csv")["city"]) <= {"big 0", "big 1", "big 2", ""}


def test_a_table_may_be_wide(rng, cbvae, train):
    wide = {f"x{n}": rng.integers(0, 100, 40) for n in range(1_500)}
    wide["y"] = ["a", "b"] * 20
    train(wide)
    wide["x7"] = [""] * 40
    write(wide, "gappy.csv")
    cbvae("impute", "t.cbvae", "gappy.csv", "-o", "filled.csv")
    found = read("filled.csv")
    assert list(found) == list(wide)
    assert all(0 <= int(cell) < 100 for cell in found["x7"])
    assert found["x8"] == [str(value) for value in wide["x8"]]


def test_names_of_columns_may_be_odd(columns, cbvae, train):
    names = {" a b ": "x", "": "k", 'a "c", d': "c", "größe\n[red]": "x", "l'été": "y"}
    odd = {name: columns[old] for name, old in names.items()}
    train(odd, label="l'été")
    found = five_verbs(cbvae)
    for name in odd:
        assert found["impute"][name] == odd[name]
    assert list(found["augment"]) == list(odd)
    said = cbvae("inspect", "t.cbvae")
    assert "größe\\n[red]" in said


@pytest.mark.parametrize("kept", ["x", "c"])
def test_one_column_besides_the_label_is_enough(columns, cbvae, train, kept):
    train({kept: columns[kept], "y": columns["y"]})
    found = five_verbs(cbvae)
    assert set(found["classify"]["cbvae_label"]) <= {"a", "b"}


def test_a_table_may_hold_names_alone(rng, columns, cbvae, train):
    pair = list(rng.choice(["s", "t"], N))
    train({"c": columns["c"], "d": pair, "y": columns["y"]})
    found = five_verbs(cbvae)
    assert set(found["augment"]["c"]) <= set(columns["c"])
    assert set(found["augment"]["d"]) <= {"s", "t"}


def test_a_pair_of_names_for_a_pair_of_classes(rng, cbvae, train):
    names = list(rng.choice(["s", "t"], N))
    # One member would be blind to neither of the two rows that there are.
    train({"d": names, "y": ["a", "b"] * (N // 2)}, "--preset", "default")
    five_verbs(cbvae)


def test_a_constant_is_filled_in_and_made_again(columns, cbvae, train):
    constant = ["7.0"] * N
    constant[5] = ""
    dates = {"same": ["03.04.2024"] * N}
    summary = train({"unit": constant, **dates, **columns})
    assert [column["role"] for column in summary["columns"]][:2] == ["constant"] * 2
    found = five_verbs(cbvae)
    assert found["impute"]["unit"] == ["7.0"] * N
    assert found["augment"]["unit"] == ["7.0"] * 5
    assert found["augment"]["same"] == ["03.04.2024"] * 5
    for verb in (["impute", "t.cbvae", "t.csv"], ["augment", "t.cbvae", "-n", "3"]):
        cbvae(*verb, "-o", "typed.parquet", "--force")
        assert set(parquet.read_table("typed.parquet")["unit"].to_pylist()) == {7.0}


# Classes.


def test_a_class_of_one_row_trains_and_says_that_nothing_is_kept_apart(
    columns, cbvae, train
):
    columns["y"] = ["rare", *["usual"] * (N - 1)]
    summary = train(columns)
    assert summary["classes"] == {"rare": 1, "usual": N - 1}
    assert summary["positive"] == "rare"
    assert summary["parts"]["train"][0] == 1
    assert summary["parts"]["calibrate"][0] == summary["parts"]["certify"][0] == 0
    assert any("class 'rare' has 1 row" in line for line in summary["warnings"])
    found = five_verbs(cbvae)
    assert set(found["classify"]) >= {"cbvae_p_rare", "cbvae_error_usual"}
    assert found["augment"]["y"] == ["rare"] * 5


def test_one_class_is_enough_to_fill_score_and_make(columns, cbvae, train):
    columns["y"] = ["ok"] * N
    columns["x"][4] = ""
    train(columns)
    for verb in ("impute", "score"):
        cbvae(verb, "t.cbvae", "t.csv", "-o", f"{verb}.csv")
    assert float(read("impute.csv")["x"][4])
    scored = read("score.csv")
    assert set(scored["cbvae_class"]) == {"ok"}
    p_values = numbers(scored["cbvae_pvalue"])
    assert (p_values > 0).all()
    assert (p_values <= 1).all()
    cbvae("augment", "t.cbvae", "-n", "4", "-o", "more.csv")
    assert read("more.csv")["y"] == ["ok"] * 4


def test_a_count_that_training_saw_as_0_and_1_alone_may_go_on(columns, cbvae, train):
    columns["k"] = [str(n % 2) for n in range(N)]
    summary = train(columns)
    kinds = {column["name"]: column["kind"] for column in summary["columns"]}
    assert kinds["k"] == "boolean"
    more = {**columns, "k": ["", "2", "3", *columns["k"][3:]]}
    write(more, "t.csv")
    found = five_verbs(cbvae)
    assert found["impute"]["k"][0] in ("0", "1")
    assert found["impute"]["k"][1:] == more["k"][1:]


def test_rows_to_validate_on_may_hold_what_training_does_not(columns, cbvae, train):
    columns["k"] = [str(n % 2) for n in range(N)]
    names = ["new" if n % 3 == 0 else cell for n, cell in enumerate(columns["c"])]
    digits = ["2" if n % 5 == 0 else cell for n, cell in enumerate(columns["k"])]
    write({**columns, "c": names, "k": digits}, "v.csv")
    train(columns, "--validation", "v.csv")
    cbvae("classify", "t.cbvae", "v.csv", "-o", "named.csv")
    found = read("named.csv")
    assert np.isfinite(numbers(found["cbvae_p_a"])).all()


@pytest.mark.parametrize("n_rows", [2, 3, 12])
def test_a_handful_of_rows_is_enough(columns, cbvae, train, n_rows):
    few = {name: cells[:n_rows] for name, cells in columns.items()}
    few["y"] = ["a", "b"] * (n_rows // 2) + ["a"] * (n_rows % 2)
    few["x"] = [str(n) for n in range(n_rows)]
    train(few)
    for verb in ("classify", "impute", "score"):
        cbvae(verb, "t.cbvae", "t.csv", "-o", f"{verb}.csv")
    cbvae("augment", "t.cbvae", "-n", "3", "-o", "more.csv")
    total = numbers(read("classify.csv")["cbvae_p_a"])
    assert np.isfinite(total).all()


def test_whole_numbers_name_classes_without_a_point(columns, cbvae, train):
    columns["y"] = ["1.0" if cell == "b" else "0" for cell in columns["y"]]
    summary = train(columns)
    assert list(summary["classes"]) == ["0", "1"]
    cbvae("classify", "t.cbvae", "t.csv", "-o", "named.csv")
    found = read("named.csv")
    assert set(found["cbvae_label"]) <= {"0", "1"}
    assert {"cbvae_p_0", "cbvae_p_1"} <= set(found)
    assert found["y"] == columns["y"]
    cbvae("augment", "t.cbvae", "-n", "2", "--class", "1", "-o", "more.parquet")
    assert parquet.read_table("more.parquet")["y"].to_pylist() == [1, 1]


@pytest.mark.parametrize("words", [("True", "False"), ("true", "false")])
def test_truth_values_name_classes(columns, cbvae, train, words):
    columns["y"] = [words[cell == "b"] for cell in columns["y"]]
    summary = train(columns)
    assert set(summary["classes"]) == set(words)
    assert set(five_verbs(cbvae)["classify"]["cbvae_label"]) <= set(words)


def test_typed_truth_values_name_classes(columns, cbvae):
    table = pa.table({"x": numbers(columns["x"]), "y": np.array(columns["y"]) == "b"})
    parquet.write_table(table, "t.parquet")
    cbvae("train", "t.parquet", "--label", "y", "-o", "t.cbvae", *BRIEF)
    cbvae("impute", "t.cbvae", "t.parquet", "-o", "filled.parquet")
    assert parquet.read_table("filled.parquet").equals(table)
    cbvae("augment", "t.cbvae", "-n", "3", "-o", "more.parquet")
    assert parquet.read_table("more.parquet")["y"].type == pa.bool_()


def test_rows_without_a_label_are_left_out_when_told(columns, cbvae, train):
    columns["y"][:3] = ["", "NA", "null"]
    summary = train(columns, "--drop-unlabelled")
    assert summary["rows"] == N - 3
    assert "3 rows without a label are left out" in summary["warnings"]


def test_missing_labels_are_no_error_when_filling(columns, cbvae, train):
    train(columns)
    columns["y"] = ["", *columns["y"][1:]]
    columns["x"] = [""] * N
    write(columns, "gappy.csv")
    cbvae("impute", "t.cbvae", "gappy.csv", "-o", "filled.csv")
    found = read("filled.csv")
    assert found["y"] == columns["y"]
    assert all(found["x"])


# Text.


def test_the_separator_may_be_another(columns, cbvae):
    with open("t.csv", "w") as file:
        for row in zip(*([n, *c] for n, c in columns.items()), strict=True):
            file.write(";".join(row) + "\n")
    flags = ["--delimiter", ";"]
    cbvae("train", "t.csv", "--label", "y", "-o", "t.cbvae", *BRIEF, *flags)
    cbvae("impute", "t.cbvae", "t.csv", "-o", "same.csv", *flags)
    assert read("same.csv") == columns


def test_the_encoding_may_be_another(columns, cbvae):
    columns["c"] = ["grün" if cell == "green" else cell for cell in columns["c"]]
    write(columns, "utf8.csv")
    with open("utf8.csv", encoding="utf-8") as file:
        text = file.read()
    with open("t.csv", "w", encoding="latin-1") as file:
        file.write(text)
    flags = ["--encoding", "latin-1"]
    cbvae("train", "t.csv", "--label", "y", "-o", "t.cbvae", *BRIEF, *flags)
    cbvae("impute", "t.cbvae", "t.csv", "-o", "same.csv", *flags)
    assert read("same.csv") == columns


def test_words_for_missing_cells_may_be_added_and_taken_away(columns, cbvae, train):
    columns["x"][0], columns["c"][1] = "unknown", "NA"
    summary = train(columns, "--null", "unknown", "--no-default-nulls")
    kinds = {column["name"]: column["kind"] for column in summary["columns"]}
    assert kinds["x"] == "numeric"
    flags = ["--null", "unknown", "--no-default-nulls"]
    cbvae("impute", "t.cbvae", "t.csv", "-o", "filled.csv", *flags)
    found = read("filled.csv")
    assert float(found["x"][0])
    assert found["c"] == columns["c"]


def test_a_stray_word_among_numbers_is_told_with_its_mend(rng, columns, cbvae, train):
    columns["x"] = [str(value) for value in rng.normal(size=N)]
    columns["x"][5] = "?"
    [warning] = [w for w in train(columns)["warnings"] if "'x'" in w]
    assert "--null '?'" in warning
    summary = train(columns, "--null", "?", "--force")
    kinds = {column["name"]: column["kind"] for column in summary["columns"]}
    assert kinds["x"] == "numeric"


def test_kinds_may_be_told(columns, cbvae, train):
    summary = train(columns, "--categorical", "k", "--exclude", "c")
    roles = {c["name"]: (c["role"], c["kind"]) for c in summary["columns"]}
    assert roles["c"] == ("excluded", None)
    assert roles["k"][1] in ("categorical", None)
