"""`--json=FILE` replaces older summaries, and nothing else."""

from __future__ import annotations

import json

import pytest

from cbvae_cli.cli.app import main


@pytest.fixture
def kept(trained, samples, tmp_path):
    """Copy a bundle and a table to where they could be harmed."""
    bundle, table = tmp_path / "b.cbvae", tmp_path / "t.csv"
    bundle.write_bytes((trained / "defects.cbvae").read_bytes())
    table.write_bytes((samples / "defects_new.csv").read_bytes())
    return bundle, table


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("wrong", [(), ("--no-such-flag",), ("--rule", "magic")])
def test_bundles_and_tables_are_not_replaced(kept, tmp_path, capsys, place, wrong):
    before = [file.read_bytes() for file in kept]
    argv = ["classify", *map(str, kept), "-o", str(tmp_path / "o.csv"), *wrong]
    assert main([*argv, f"--json={kept[place]}"]) == 2
    assert [file.read_bytes() for file in kept] == before
    assert capsys.readouterr().err


def test_rows_that_a_run_wrote_are_not_replaced_by_its_summary(kept, tmp_path, capsys):
    out = tmp_path / "o.csv"
    argv = ["classify", *map(str, kept), "-o", str(out)]
    assert main([*argv, f"--json={out}"]) == 2
    assert "--json" in capsys.readouterr().err
    assert out.read_text().startswith("part,")


def test_older_summaries_are_replaced(kept, tmp_path):
    told = tmp_path / "s.json"
    for verb, n in (("classify", 1), ("score", 2)):
        argv = [verb, *map(str, kept), "-o", str(tmp_path / f"{n}.csv")]
        assert main([*argv, f"--json={told}"]) == 0
        assert json.loads(told.read_text())["verb"] == verb
