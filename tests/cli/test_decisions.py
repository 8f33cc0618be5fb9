"""The flags about deciding: read, refused, and told from files and variables."""

import json
import os
from typing import Annotated

import numpy as np
import pytest
import typer

from cbvae_cli.cli.app import main, new_app
from cbvae_cli.cli.decisions import Deciding, parse_costs, parse_prior
from cbvae_cli.cli.groups import spread
from cbvae_cli.cli.options import BundleIn
from cbvae_cli.cli.register import add_verb
from cbvae_cli.errors import UsageProblem

CLASSES = ("0", "1", "other")


def long(*words):
    return "\x1f".join(words)


def test_costs_that_are_not_named_are_one_where_wrong():
    found = parse_costs(["0>1=5", long("1", "other", "0.5")], CLASSES)
    assert found.tolist() == [[0, 5, 1], [1, 0, 0.5], [1, 1, 0]]
    assert found.dtype == np.float64


def test_a_right_call_may_cost_too():
    assert parse_costs(["1>1=2"], CLASSES)[1, 1] == 2


def test_shares_come_in_the_order_of_classes():
    found = parse_prior(["other=0.2,0=0.8", long("1", "0")], CLASSES)
    assert found.tolist() == [0.8, 0.0, 0.2]


def test_shares_that_are_rounded_sum_to_one_afterwards():
    found = parse_prior(["0=0.3333333,1=0.3333333,other=0.3333333"], CLASSES)
    assert found.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["0=1"], "leaves out '1', 'other'"),
        (["0=.5,1=.5,other=.1"], "sum to 1.1"),
        (["0=0,1=0,other=0"], "sum to 0"),
        (["0=nan,1=.5,other=.5"], "'0' the value 'nan'"),
    ],
)
def test_shares_that_are_none_are_refused(tokens, said):
    with pytest.raises(UsageProblem) as caught:
        parse_prior(tokens, CLASSES)
    assert said in caught.value.what


# Through the command line.


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Run a verb that only decides; give its exit code and what it was told."""
    for name in [name for name in os.environ if name.startswith("CBVAE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    seen = {}

    @spread
    def judge(
        bundle: BundleIn,
        only: Annotated[bool, typer.Option("--only")] = False,
        *,
        deciding: Deciding,
    ) -> None:
        """Judge."""
        deciding.check()
        seen.update(bundle=bundle, only=only, deciding=deciding)

    def look(bundle: BundleIn) -> None:
        """Look."""

    app = new_app()
    add_verb(app, judge)
    add_verb(app, look)  # with a single verb, typer would want no name

    def run(*argv):
        seen.clear()
        return main(["judge", *argv], app), seen.get("deciding")

    return run


def test_nothing_given_decides_nothing(told):
    assert told("b") == (0, Deciding())


def test_flags_arrive_as_their_types(told):
    flags = "--positive 1 --fpr .01 --confidence 0.95 --abstain 0.05 --logodds"
    code, found = told("b", *flags.split())
    assert code == 0
    assert found == Deciding("1", None, None, None, 0.01, 0.95, 0.05, True)


@pytest.mark.parametrize(
    "argv",
    [
        ["--cost", "-1>1=1,1>-1=50", "b"],
        ["--cost=-1>1=1", "--cost", "1>-1=50", "b"],
        ["--cost", "-1", "1", "1", "b", "--cost", "1", "-1", "50"],
        ["b", "--cost", "-1", "1", "1", "--cost", "1>-1=50"],
    ],
)
def test_costs_arrive_in_every_form(told, argv):
    code, found = told(*argv)
    assert code == 0
    assert parse_costs(found.cost, ("-1", "1")).tolist() == [[0, 1], [50, 0]]


@pytest.mark.parametrize(
    "text",
    [
        'prior = "0=0.999,1=0.001"',
        'prior = ["0=0.999", "1=0.001"]',
        '[judge]\nprior = ["0\\u001f0.999", "1=0.001"]',
    ],
)
def test_shares_may_stand_in_a_file(told, tmp_path, text):
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    code, found = told("b", "--config", "c.toml")
    assert code == 0
    assert parse_prior(found.prior, ("0", "1")).tolist() == [0.999, 0.001]


def test_shares_and_rates_may_stand_in_variables(told, monkeypatch):
    monkeypatch.setenv("CBVAE_PRIOR", "0=0.999,1=0.001")
    monkeypatch.setenv("CBVAE_FPR", "0.01")
    code, found = told("b")
    assert (code, found.fpr) == (0, 0.01)
    assert parse_prior(found.prior, ("0", "1")).tolist() == [0.999, 0.001]


def test_a_rate_may_stand_in_a_file_as_a_number(told, tmp_path):
    (tmp_path / "c.toml").write_text("threshold = 0.25", encoding="utf-8")
    assert told("b", "--config", "c.toml")[1].threshold == 0.25


@pytest.mark.parametrize("flag", ["--threshold", "--fpr", "--abstain", "--confidence"])
@pytest.mark.parametrize("value", ["0", "1", "-0.1", "1.5", "nan", "half"])
def test_a_share_lies_between_nought_and_one(told, capsys, flag, value):
    assert told("b", flag, value)[0] == 2
    said = capsys.readouterr().err
    assert f"takes a number above 0 and below 1, not '{value}'" in said
    assert flag in said


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ("--threshold .5 --cost 0>1=2", "--threshold and --cost each decide alone"),
        ("--threshold .5 --fpr .1", "--threshold and --fpr"),
        ("--fpr .1 --cost 0 1 2", "--cost and --fpr"),
        ("--confidence .9", "--confidence speaks of --fpr"),
    ],
)
def test_flags_that_exclude_each_other_are_wrong_usage(told, capsys, flags, said):
    assert told("b", *flags.split())[0] == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        "--fpr .1 --prior 0=.5,1=.5",
        "--threshold .5 --prior 0=.5,1=.5 --abstain .1",
        "--cost 0>1=2 --prior 0=.5,1=.5 --positive 1",
    ],
)
def test_flags_that_go_together_pass(told, flags):
    assert told("b", *flags.split())[0] == 0


def test_wrong_usage_is_json_all_the_same(told, capsys):
    """The words of a long form must not hide `--json` from the error door."""
    assert told("--cost", "a", "b", "1", "--fpr", "2", "b", "--json=x.json")[0] == 2
    capsys.readouterr()
    with open("x.json", encoding="utf-8") as file:
        assert json.load(file)["exit_code"] == 2
