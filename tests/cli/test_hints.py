"""What summaries advise, where a flag would have told more."""

import json

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


def cut(samples, tmp_path, change):
    header, *lines = (samples / "defects.csv").read_text("utf-8").splitlines()
    target = tmp_path / "rows.csv"
    target.write_text("\n".join([header, *change(lines)]) + "\n", encoding="utf-8")
    return target


@pytest.mark.parametrize(
    ("change", "warns"),
    [
        (lambda lines: lines, True),
        # A row without a label is no row of training, and changes nothing.
        (lambda lines: [*lines, lines[0].rpartition(",")[0] + ","], True),
        (lambda lines: lines[:-1], False),
        (lambda lines: [*lines, lines[0]], False),
        (lambda lines: lines[::-1], False),
    ],
    ids=["as it was", "and a row without label", "in part", "and more", "turned"],
)
def test_figures_of_the_training_table_are_said_to_flatter(
    trained, samples, tmp_path, capsys, change, warns
):
    rows, told = cut(samples, tmp_path, change), tmp_path / "s.json"
    argv = [str(trained / "paper.cbvae"), str(rows), f"--json={told}"]
    flags = ["--hidden-share", "0", "--batch-rows", "400"]
    assert main(["evaluate", *argv, *flags]) == 0
    summary, said = json.loads(told.read_text()), capsys.readouterr().err
    assert summary["trained_on"] is warns
    assert ("warning: these very rows trained the bundle" in said) is warns
