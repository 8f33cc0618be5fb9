"""What people are told of made rows."""

import pytest

from cbvae_cli.report.augmenting import tell
from cbvae_cli.report.console import Talk

TRIED = {
    "share": 0.1,
    "auprc_change": -0.01,
    "error": 0.02,
    "judges": {"booster": -0.01, "logistic": -0.01},
}
NONE = {"rows": 0, "classes": {}, "fidelity": None}


@pytest.mark.parametrize(
    ("tried", "original", "says"),
    [
        ([TRIED], {}, "made no rows; the output is a header alone"),
        ([TRIED, TRIED], {}, "either classifier; the output is a header alone"),
        ([TRIED, TRIED], {"original_rows": 7}, "a loss to either classifier\n"),
    ],
)
def test_no_rows_come_with_a_reason(capsys, tried, original, says):
    ratio = {"ratio": {"tried": tried, "chosen": 0.0}}
    tell({**NONE, **original, **ratio}, Talk())
    assert says in capsys.readouterr().err
