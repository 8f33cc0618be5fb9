"""Misspelt names and what they were meant to be."""

import pytest

from cbvae_cli.nearest import did_you_mean, nearest

NAMES = ["amount", "account_age_days", "yes", "no", "7", "17"]


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("amuont", "amount"),
        ("AMOUNT", "amount"),
        (" amount ", "amount"),
        ("account_age", "account_age_days"),
        ("yess", "yes"),
        ("7 ", "7"),
        ("77", None),
        ("1", None),
        ("zebra", None),
        ("", None),
    ],
)
def test_the_nearest_name_is_found(word, found):
    assert nearest(word, NAMES) == found
    said = "" if found is None else f"did you mean '{found}'?"
    assert did_you_mean(word, NAMES) == said


def test_of_names_that_differ_in_case_alone_the_first_is_meant():
    assert nearest("YES", ["Yes", "yes"]) == "Yes"


def test_nothing_is_near_nothing():
    assert did_you_mean("a", []) == ""
