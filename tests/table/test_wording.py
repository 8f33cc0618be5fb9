"""What messages say of names, sizes and cells."""

import pytest

from cbvae_cli.cli.options import memory_size
from cbvae_cli.table.wording import HANDFUL, advice, choice, misfit_hint, size


def test_a_handful_of_names_is_listed():
    names = [f"n{at}" for at in range(HANDFUL + 3)]
    assert choice(names[:2]) == "one of 'n0', 'n1'"
    assert choice(names).endswith(f"'n{HANDFUL - 1}' and 3 more")


@pytest.mark.parametrize(
    ("word", "flag", "hint"),
    [
        ("amout", "--hide", "did you mean 'amount'?"),
        ("zz", "--hide", "look"),
        ("amount,a b", "--hide", "--hide amount --hide 'a b'"),
        ("amount,a b", "", "did you mean 'amount,'?"),
        ("amount,other", "--hide", "did you mean 'amount,'?"),
    ],
)
def test_advice_names_what_was_meant(word, flag, hint):
    known = ["amount", "a b", "amount,"]
    given = advice(word, known, flag=flag, otherwise="look")
    assert given["hint"] == hint
    assert given["expected"].startswith("one ")


@pytest.mark.parametrize("n_bytes", [1, 1200, 9999.5, 10_001, 281_600, 3e7, 2e12])
def test_a_size_is_one_that_the_flag_takes_and_is_enough(n_bytes):
    assert n_bytes <= memory_size(size(n_bytes)) <= 1.1 * n_bytes + 1


@pytest.mark.parametrize("cell", ["1,5", "-0,25", "1.234,5"])
def test_a_decimal_comma_is_no_word_for_a_missing_cell(cell):
    assert "--decimal ," in misfit_hint(cell)


@pytest.mark.parametrize("cell", ["hot", "1,", "a,5", "1,5,6", "?"])
def test_other_cells_may_be_words_for_a_missing_cell(cell):
    assert misfit_hint(cell).startswith(f"add --null '{cell}'")
