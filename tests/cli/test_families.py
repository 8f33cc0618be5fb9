"""Every family through every verb, and flags that it does not have."""

import csv
import json

import numpy as np
import pytest

from cbvae_cli.cli.app import main
from cbvae_cli.cli.fitting import MODELS
from cbvae_cli.cli.variants import MODELS_WITH
from cbvae_cli.families import FAMILIES, family_class

BRIEF = ["--epochs", "30", "--hidden", "16", "--latent", "3", "--members", "2"]
MIDDLES = np.array([[0, 0], [6, 0], [0, 6], [6, 6]], dtype=float)
VARIANTS = {
    "cvae": ["--balanced"],
    "clvae": ["--gamma", "0.3", "--beta", "2", "--balanced"],
    "dvae": ["--mu", "2"],
    "dvaan": ["--mu", "1.5", "--fixed-mu", "--no-support", "--paper-discriminator"],
}


@pytest.mark.parametrize("model", FAMILIES)
def test_flags_are_known_by_the_models_that_have_them(model):
    known = {name for name, models in MODELS_WITH.items() if model in models}
    assert known == set(family_class(model).options)
    assert model in MODELS


def write_rows(path, sizes):
    rng = np.random.default_rng(1)
    place = np.repeat(np.arange(len(sizes)), sizes)
    cells = rng.normal(MIDDLES[place], 1.0).round(2).astype(str)
    cells[rng.random(cells.shape) < 0.05] = ""
    lines = [f"{a},{b},k{p}" for (a, b), p in zip(cells, place, strict=True)]
    path.write_text("\n".join(["a,b,y", *lines, ""]), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    return {
        "two": write_rows(folder / "two.csv", (90, 30)),
        "four": write_rows(folder / "four.csv", (70, 50, 30, 20)),
        "tiny": write_rows(folder / "tiny.csv", (60, 3)),
        "one": write_rows(folder / "one.csv", (60,)),
    }


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def train(table, model, *flags, code=0):
    argv = ["train", table, "--label", "y", "--model", model, *BRIEF, *flags]
    assert main([*argv, "-o", "m.cbvae", "--json=told.json", "--quiet"]) == code
    if not code:
        with open("told.json", encoding="utf-8") as file:
            return json.load(file)
    return None


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("name", ["two", "four"])
@pytest.mark.parametrize("model", FAMILIES)
def test_every_verb_works_with_every_family(tables, model, name):
    table = tables[name]
    told = train(table, model)
    rules = family_class(model).rules
    assert set(told["held_out"]) == set(rules)
    for rule in reversed(rules):  # the posterior last
        argv = ["classify", "m.cbvae", table, "--rule", rule, "--force"]
        assert main([*argv, "-o", "c.csv", "--quiet"]) == 0
        found = rows_of("c.csv")
        assert len(found) == told["rows"]
        shares = [sum(float(row[f"cbvae_p_{c}"]) for c in told["classes"])
                  for row in found]  # fmt: skip
        np.testing.assert_allclose(shares, 1, atol=1e-6)
        assert ("cbvae_error_k0" in found[0]) is ("error" in rules)
    right = np.mean([row["cbvae_label"] == row["y"] for row in found])
    assert right > 0.7
    assert main(["impute", "m.cbvae", table, "-o", "i.csv", "--quiet"]) == 0
    for before, after in zip(rows_of(table), rows_of("i.csv"), strict=True):
        assert all(after[c] for c in "ab")
        assert all(after[c] == before[c] for c in "ab" if before[c])
    assert main(["score", "m.cbvae", table, "-o", "s.csv", "--quiet"]) == 0
    assert np.isfinite([float(row["cbvae_score"]) for row in rows_of("s.csv")]).all()
    argv = ["augment", "m.cbvae", "-n", "20", "--class", "k1", "-o", "a.csv"]
    assert main([*argv, "--quiet"]) == 0
    assert {row["y"] for row in rows_of("a.csv")} == {"k1"}
    argv = ["evaluate", "m.cbvae", table, "--json=e.json", "--quiet"]
    assert main(argv) == 0
    assert main(["inspect", "m.cbvae", "--quiet"]) == 0
    assert main(["verify", "m.cbvae", "--quiet"]) == 0


@pytest.mark.parametrize("model", [name for name in FAMILIES if name != "cbvae"])
def test_the_same_seed_gives_the_same_bytes(tables, model, tmp_path):
    found = []
    for _ in range(2):
        train(tables["two"], model, "--force")
        found.append((tmp_path / "m.cbvae").read_bytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("model", FAMILIES)
def test_a_class_of_three_rows_is_learnt_and_drawn(tables, model):
    told = train(tables["tiny"], model)
    assert any("k1" in warning and "3 rows" in warning for warning in told["warnings"])
    argv = ["augment", "m.cbvae", "-n", "5", "--class", "k1", "-o", "a.csv", "--quiet"]
    assert main(argv) == 0
    assert len(rows_of("a.csv")) == 5


@pytest.mark.parametrize("model", [name for name in FAMILIES if name != "dvaan"])
def test_one_class_is_enough_to_fill_and_to_score(tables, model):
    train(tables["one"], model)
    for verb in ("impute", "score"):
        argv = [verb, "m.cbvae", tables["one"], "-o", f"{verb}.csv", "--quiet"]
        assert main(argv) == 0


def test_one_class_gives_a_discriminator_nothing_to_do(tables, capsys):
    train(tables["one"], "dvaan", code=3)
    assert (
        "learns to tell classes apart, and the table has one" in capsys.readouterr().err
    )


@pytest.mark.parametrize("model", VARIANTS)
def test_variants_reach_the_settings(tables, model):
    told = train(tables["two"], model, *VARIANTS[model])
    usual = train(tables["two"], model, "--force")["settings"]
    changed = {n for n, value in told["settings"].items() if usual[n] != value}
    names = {flag[2:].replace("-", "_") for flag in VARIANTS[model] if flag[:2] == "--"}
    assert changed == {"support" if n == "no_support" else n for n in names}


def test_a_variant_may_stand_in_the_file_of_settings(tables, tmp_path):
    (tmp_path / "run.toml").write_text("gamma = 0.3\n")
    told = train(tables["two"], "clvae", "--config", "run.toml")
    assert told["settings"]["gamma"] == 0.3


def test_dvaan_tells_of_mu(tables, capsys):
    told = train(tables["two"], "dvaan")
    assert told["mu"][0] == [3.0, 3.0]
    assert len(told["mu"]) >= 4
    assert told["mu"][-1] != told["mu"][0]
    assert main(["inspect", "m.cbvae"]) == 0
    seen = capsys.readouterr().err
    assert "mu, end" in seen
    assert f"{told['mu'][-1][0]:.3f}" in seen


REFUSED = [
    ("clvae", ["--rule", "error"], "posterior, likelihood"),
    ("dvae", ["--rule", "probability"], "posterior, likelihood"),
    ("dvaan", ["--rule", "error"], "posterior, likelihood, discriminator"),
    ("cvae", ["--rule", "discriminator"], "posterior, likelihood, probability, error"),
]


@pytest.mark.parametrize(("model", "flags", "says"), REFUSED)
def test_a_rule_that_a_family_cannot_answer_is_refused(
    tables, model, flags, says, capsys
):
    train(tables["two"], model)
    assert main(["classify", "m.cbvae", tables["two"], *flags, "--quiet"]) == 2
    told = capsys.readouterr().err
    assert f"a {model} bundle cannot answer" in told
    assert says in told


WRONG = [
    ("cbvae", ["--balanced"], "--model vae or cvae"),
    ("vae", ["--gamma", "0.3"], "--model clvae"),
    ("cvae", ["--beta", "2"], "--model clvae"),
    ("clvae", ["--mu", "2"], "--model dvae or dvaan"),
    ("dvae", ["--fixed-mu"], "--model dvaan"),
    ("dvae", ["--no-support"], "--model dvaan"),
    ("clvae", ["--paper-discriminator"], "--model dvaan"),
    ("dvaan", ["--gamma", "1"], "--model clvae"),
    ("clvae", ["--gamma", "-1"], "gamma"),
    ("clvae", ["--gamma", "nan"], "gamma"),
    ("dvaan", ["--mu", "11"], "mu"),
    ("gan", [], "gan"),
]


@pytest.mark.parametrize(("model", "flags", "says"), WRONG)
def test_flags_that_a_model_has_no_use_for_are_refused(
    tables, model, flags, says, tmp_path, capsys
):
    train(tables["two"], model, *flags, code=2)
    assert says in capsys.readouterr().err
    assert not (tmp_path / "m.cbvae").exists()


@pytest.mark.parametrize("model", ["clvae", "dvae", "dvaan"])
def test_four_classes_do_not_fit_on_a_line(tables, model, capsys):
    argv = ["train", tables["four"], "--label", "y", "--model", model, "--latent", "1"]
    for flags in (["-o", "m.cbvae"], ["--dry-run"]):
        assert main([*argv, *flags, "--quiet"]) == 2
        assert "latent" in capsys.readouterr().err


def test_compare_knows_the_families(tables, monkeypatch, capsys):
    from dataclasses import replace

    from cbvae_cli.training.presets import PRESETS

    brief = replace(PRESETS["fast"], steps=20, joint_steps=5, hidden=(8,), latent=2)
    monkeypatch.setitem(PRESETS, "fast", brief)
    argv = [
        "compare",
        tables["two"],
        "--label",
        "y",
        "--preset",
        "fast",
        "--seeds",
        "1",
    ]
    assert main([*argv, "--models", ",".join(FAMILIES), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {found["name"] for found in told["models"]} == {
        f"{m} fast" for m in FAMILIES
    }
    assert not [found["why"] for found in told["models"] if found["why"]]
