"""What summaries advise, where a flag would have told more."""

import pytest

from cbvae_cli.cli.app import main


@pytest.mark.parametrize("with_data", [False, True])
def test_who_asks_for_no_figures_is_told_what_gives_some(
    trained, samples, tmp_path, capsys, with_data
):
    flags = ["--data", str(samples / "payments.csv")] if with_data else []
    argv = [str(trained / "payments.cbvae"), "-n", "20", *flags]
    assert main(["augment", *argv, "-o", str(tmp_path / "p.csv")]) == 0
    said = capsys.readouterr().err
    assert ("--data TABLE" in said) is not with_data
    assert ("a booster tells made rows" in said) is with_data
