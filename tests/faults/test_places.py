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


BRIEF = "--label fehler --preset paper --epochs 1 --hidden 4 --quiet".split()


def windows_table(folder, samples):
    """Write a sample table as a spreadsheet under Windows would."""
    text = (samples / "defects.csv").read_text(encoding="utf-8")
    lines = text.replace("outcome", "fehler", 1).replace("part,", "tëil 🙂,", 1)
    lines = "\r\n".join(lines.split("\n")[:101]) + "\r\n"
    (folder / "alt.csv").write_bytes(codecs.BOM_UTF8 + lines.encode())
    return folder / "alt.csv"


def test_training_depends_on_neither_the_locale_nor_its_place(samples, tmp_path):
    plain, odd = tmp_path / "plain", tmp_path / "with spaces 🙂"
    plain.mkdir()
    odd.mkdir()
    table = windows_table(odd, samples)
    unmarked = table.read_bytes().removeprefix(codecs.BOM_UTF8)
    (plain / "t.csv").write_bytes(unmarked.replace(b"\r\n", b"\n"))
    run("train", plain / "t.csv", *BRIEF, "-o", plain / "m.cbvae")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    environ |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environ |= {"PYTHONPATH": str(ROOT)}
    code = (
        "import sys; from cbvae_cli.cli.app import main; sys.exit(main(sys.argv[1:]))"
    )
    argv = [sys.executable, "-c", code, "train", str(table), *BRIEF]
    argv += ["-o", f"{odd}/Modell ü/", f"--json={odd}/übersicht 🙂.json"]
    done = subprocess.run(argv, env=environ, capture_output=True)
    assert done.returncode == 0, done.stderr
    bundle = odd / "Modell ü" / "0001.cbvae"
    assert bundle.read_bytes() == (plain / "m.cbvae").read_bytes()
    assert sorted(os.listdir(odd)) == ["Modell ü", "alt.csv", "übersicht 🙂.json"]


def test_a_mark_before_the_label_column_is_no_part_of_its_name(tmp_path, capsys):
    rows = "".join(f"{'pq'[n % 2]},{n}\r\n" for n in range(60))
    table = tmp_path / "t.csv"
    table.write_bytes(codecs.BOM_UTF8 + f"y,n\r\n{rows}".encode())
    run("train", table, "--label", "y", "--dry-run", "--json", "--quiet")
    assert '"p"' in capsys.readouterr().out


def test_odd_places_are_read_by_every_form_of_input(model, rows, tmp_path):
    from pyarrow import csv, parquet

    folder = tmp_path / "teile 🙂 [1]"
    folder.mkdir()
    options = csv.ConvertOptions(strings_can_be_null=True)
    table = csv.read_csv(rows, convert_options=options)
    parquet.write_table(table, folder / "ein teil.parquet")
    run("score", model, rows, "-o", tmp_path / "plain.csv", "--quiet", "--only")
    quoted = str(tmp_path / "teile 🙂*" / "ein *.parquet")
    for number, data in enumerate((folder, folder / "ein teil.parquet", quoted)):
        target = tmp_path / f"{number} 🙂.csv"
        run("score", model, data, "-o", target, "--quiet", "--only")
        assert target.read_bytes() == (tmp_path / "plain.csv").read_bytes()


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
