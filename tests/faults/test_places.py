"""Odd places and surroundings: locales, paths that are long or hold odd signs."""

import codecs
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cbvae_cli.cli.app import VERBS, main

ROOT = Path(__file__).parents[2]
LONG = ["x" * 300, "/".join(["x" * 200] * 30)]


@pytest.fixture
def rows(samples):
    return samples / "defects_new.csv"


@pytest.fixture
def model(trained):
    return str(trained / "defects.cbvae")


def run(*argv):
    assert main([str(word) for word in argv]) == 0


@pytest.mark.parametrize("locale", ["C", "tr_TR.UTF-8"])
def test_answers_do_not_depend_on_the_locale(model, rows, tmp_path, locale):
    folder = tmp_path / "with spaces 🙂"
    folder.mkdir()
    table = folder / "Ünï 表.csv"
    text = rows.read_text(encoding="utf-8").replace("part,", "tëil,", 1)
    table.write_text(text, encoding="utf-8")
    run("impute", model, table, "-o", tmp_path / "here.csv", "--quiet")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    surroundings = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environ |= {"PYTHONPATH": str(ROOT), **surroundings}
    argv = [sys.executable, "-m", "cbvae_cli", "impute", model, str(table)]
    out = folder / "gefüllt.csv"
    done = subprocess.run([*argv, "-o", str(out)], env=environ, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"filled" in done.stderr
    assert out.read_bytes() == (tmp_path / "here.csv").read_bytes()
    done = subprocess.run([*argv[:-1], "ü.csv"], env=environ, capture_output=True)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_can_be_shown_in_any_locale(capsys, verb):
    run(*([verb] if verb else []), "--help")
    assert capsys.readouterr().out.isascii()


@pytest.mark.parametrize("verb", ["classify", "impute", "score"])
def test_windows_lines_and_marks_change_no_answer(model, rows, tmp_path, verb):
    text = rows.read_bytes()
    (tmp_path / "windows.csv").write_bytes(
        codecs.BOM_UTF8 + text.replace(b"\n", b"\r\n")
    )
    run(verb, model, rows, "-o", tmp_path / "a.csv", "--quiet")
    run(verb, model, tmp_path / "windows.csv", "-o", tmp_path / "b.csv", "--quiet")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize("name", LONG, ids=["name", "path"])
@pytest.mark.parametrize(
    "argv",
    [
        "classify {model} {long}.csv",
        "classify {long}.cbvae {rows}",
        "classify {model} {rows} -o {long}.csv",
        "classify {model} {rows} -o {long}/",
        "classify {model} {rows} -o /dev/null --out-format csv --json={long}.json",
        "train {rows} --label machine -o {long}.cbvae",
        "train {rows} --label machine -o {long}/",
        "train {rows} --label machine -o m.cbvae --validation {long}.csv",
        "inspect {long}.cbvae",
        "inspect {long}/",
        "inspect {long}/@2",
        "upgrade {model} -o {long}.cbvae",
        "compare {rows} --label machine --html {long}.html",
        "inspect {model} --config {long}.toml",
    ],
)
def test_paths_beyond_the_systems_limit_are_told_in_a_sentence(
    model, rows, tmp_path, monkeypatch, capsys, name, argv
):
    monkeypatch.chdir(tmp_path)
    words = argv.format(model=model, rows=rows, long=name).split()
    assert main(words) == 2
    told = capsys.readouterr().err.splitlines()
    assert any(line.startswith("error: ") for line in told)
    assert os.listdir(tmp_path) == []


def test_a_name_as_long_as_may_be_is_written(model, rows, tmp_path):
    out = tmp_path / ("ü" * 125 + ".csv")
    run("score", model, rows, "-o", out, "--quiet")
    assert os.listdir(tmp_path) == [out.name]
