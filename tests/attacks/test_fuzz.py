"""A small share of the fuzz run; all of it is `tests/attacks/fuzz.py`, by hand."""

import warnings

import pytest

from tests.attacks import fuzz


@pytest.mark.slow
def test_nothing_but_our_own_problems_comes_out():
    with warnings.catch_warnings():
        told = fuzz.run(1200, 20)
    assert told["faults"] == {}
    for target, share in fuzz.SHARES.items():
        assert told[target]["cases"] == round(1200 * share)
        assert told[target]["read"] > 0
