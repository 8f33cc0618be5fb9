"""Short and long forms of `--cost` and `--prior`, before typer sees them."""

import pytest

from cbvae_cli.cli.forms import COST, PRIOR, SEPARATOR, joined_long_forms
from cbvae_cli.errors import UsageProblem


def join(*words):
    return [t.replace(SEPARATOR, "|") for t in joined_long_forms(words)]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        # Long forms, also with negative numbers, odd names, and given again.
        (["--cost", "A", "B", "5"], ["--cost=A|B|5"]),
        (["b", "--cost", "-1", "1", "2.5", "d"], ["b", "--cost=-1|1|2.5", "d"]),
        (["--cost", "a=b", "c,d", "-3"], ["--cost=a=b|c,d|-3"]),
        (["--cost", "A", "B", "nan"], ["--cost=A|B|nan"]),
        (
            ["--prior", "A", ".1", "--prior", "B", ".9"],
            ["--prior=A|.1", "--prior=B|.9"],
        ),
        (["--prior", "flag=1", "0.2"], ["--prior=flag=1|0.2"]),
        # Short forms, and what follows them.
        (["--cost", "0>1=1,1>0=50", "b", "d"], ["--cost", "0>1=1,1>0=50", "b", "d"]),
        (["--cost", "0>1=1", "--seed", "1"], ["--cost", "0>1=1", "--seed", "1"]),
        (["--prior", "0=.5,1=.5", "b", "d"], ["--prior", "0=.5,1=.5", "b", "d"]),
        (["--cost=0>1=1", "1", "2", "3"], ["--cost=0>1=1", "1", "2", "3"]),
        # Too few words, or no number: left for typer and the readers to refuse.
        (["--cost", "A", "B"], ["--cost", "A", "B"]),
        (["--cost"], ["--cost"]),
        (["--prior", "A", "--", "1"], ["--prior", "A", "--", "1"]),
        (["--cost", "A", "B", "2024_01"], ["--cost", "A", "B", "2024_01"]),
        (["--prior", "--only", "1"], ["--prior", "--only", "1"]),
        # After two dashes everything is a name.
        (["--", "--cost", "A", "B", "5"], ["--", "--cost", "A", "B", "5"]),
        ([], []),
    ],
)
def test_long_forms_become_one_token_each(words, expected):
    assert join(*words) == expected


def test_a_file_named_as_a_number_is_no_value_after_a_short_form(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "2024").touch()
    short = ["b", "--prior", "0=.5,1=.5", "2024"]
    assert join(*short) == short
    assert join("--prior", "flag", "2024") == ["--prior=flag|2024"]


def test_both_forms_say_the_same():
    classes = ("0", "1")
    long = joined_long_forms(["--cost", "0", "1", "1", "--cost", "1", "0", "50"])
    tokens = [token.partition("=")[2] for token in long]
    expected = [((0, 1), 1.0), ((1, 0), 50.0)]
    assert list(COST.entries(tokens, classes)) == expected
    assert list(COST.entries(["0>1=1,1>0=50"], classes)) == expected
    assert list(COST.entries(["0>1=1", " 1 > 0 = 5e1 "], classes)) == expected


def test_the_long_form_reads_every_sign():
    classes = ("a=b", "<=5, or >9")
    token = SEPARATOR.join(("<=5, or >9", "a=b", "3"))
    assert list(COST.entries([token], classes)) == [((1, 0), 3.0)]


@pytest.mark.parametrize(
    ("form", "token", "said"),
    [
        (COST, "0>1", "cannot read '0>1' in --cost"),
        (COST, "0>1=1,", "cannot read '' in --cost"),
        (COST, "0=1", "cannot read '0=1'"),
        (COST, "0>1>1=2", "cannot read"),
        (COST, "A", "cannot read 'A'"),
        (COST, "0>1=x", "'0' called '1' the value 'x'"),
        (COST, "0>1=-2", "'0' called '1' the value '-2'"),
        (COST, "0>1=nan", "the value 'nan'"),
        (COST, "0>1=inf", "the value 'inf'"),
        (COST, "0>1=1_0", "the value '1_0'"),
        (COST, "0>2=1", "'2', which is no class"),
        (COST, "0>1=1,0>1=2", "names '0' called '1' twice"),
        (COST, SEPARATOR.join("01"), "cannot read '0 1'"),
        (PRIOR, "0=.5,0=.5", "--prior names '0' twice"),
        (PRIOR, "0=-1", "--prior gives '0' the value '-1'"),
        (PRIOR, "0>1=1", "cannot read '0>1=1' in --prior"),
        (PRIOR, SEPARATOR.join(("zero", "1")), "'zero', which is no class"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_sentence(form, token, said):
    with pytest.raises(UsageProblem) as caught:
        list(form.entries([token], ("0", "1")))
    assert said in caught.value.what


@pytest.mark.parametrize("name", ["a=b", "a,b", "a>b"])
def test_short_forms_are_refused_where_a_class_name_holds_their_signs(name):
    with pytest.raises(UsageProblem, match="holds a sign") as caught:
        list(PRIOR.entries(["x=1"], ("x", name)))
    assert caught.value.expected == "--prior CLASS SHARE"
