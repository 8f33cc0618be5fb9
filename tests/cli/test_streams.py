"""Standard streams, talk and what a row's answer may depend on."""

import io
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from pyarrow import csv

from cbvae_cli.cli.app import main


@pytest.fixture
def rows(samples):
    return samples / "defects_new.csv"


@pytest.fixture
def model(trained):
    return str(trained / "defects.cbvae")


@pytest.fixture(scope="module")
def short(tmp_path_factory, request):
    """Give the beginning of a sample table, which trains in a moment."""
    rows = (request.config.rootpath / "sample_data" / "defects.csv").read_text("utf-8")
    target = tmp_path_factory.mktemp("short") / "defects.csv"
    target.write_text("".join(rows.splitlines(keepends=True)[:201]), encoding="utf-8")
    return target


@pytest.fixture
def stdin(monkeypatch):
    """Put bytes on standard input."""

    def give(content):
        stream = io.TextIOWrapper(io.BytesIO(content))
        monkeypatch.setattr(sys, "stdin", stream)

    return give


def run(*argv):
    assert main([str(word) for word in argv]) == 0


@pytest.mark.parametrize("verb", ["classify", "impute", "score"])
def test_a_dash_is_standard_input_and_output(
    verb, model, rows, stdin, tmp_path, capsysbinary
):
    run(verb, model, rows, "-o", tmp_path / "file.csv", "--quiet")
    expected = (tmp_path / "file.csv").read_bytes()
    for argv in ([], ["-o", "-"]):
        stdin(rows.read_bytes())
        run(verb, model, "-", *argv)
        streams = capsysbinary.readouterr()
        assert streams.out == expected
        # `classify` says from what probability on the positive class is called, too.
        assert streams.err.count(b"\n") == 1 + (verb == "classify")
        assert b"200 rows" in streams.err


def test_training_reads_standard_input_twice(stdin, short, tmp_path):
    argv = ["--label", "outcome", "--epochs", "2", "--hidden", "16", "--quiet"]
    run("train", short, *argv, "-o", tmp_path / "file.cbvae")
    stdin(short.read_bytes())
    run("train", "-", *argv, "-o", tmp_path / "stream.cbvae")
    one, other = ((tmp_path / f"{n}.cbvae").read_bytes() for n in ("file", "stream"))
    assert one == other


def test_a_pipeline_ends_quietly_when_its_reader_has_enough(model, rows, tmp_path):
    # More rows than any pipe holds.
    header, *lines = rows.read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "header.csv").write_text(header, encoding="utf-8")
    (tmp_path / "lines.csv").write_text("".join(lines) * 50, encoding="utf-8")
    endless = f"(cat {tmp_path}/header.csv; while cat {tmp_path}/lines.csv; do :; done)"
    cbvae = f"{sys.executable} -m cbvae_cli"
    script = (
        f"{endless} 2>/dev/null | {cbvae} impute {model} - --quiet"
        f" | {cbvae} classify {model} - --quiet | head -3; echo ${{PIPESTATUS[@]}}"
    )
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, cwd=rows.parents[1]
    )
    assert done.stderr == ""
    *table, codes = done.stdout.splitlines()
    assert len(table) == 3
    assert table[0].startswith("part,machine")
    assert table[0].endswith("cbvae_error_warp")
    assert table[1].startswith("D01501,")
    _, impute, classify, head = codes.split()
    assert (impute, classify, head) == ("141", "141", "0")


@pytest.mark.parametrize("verb", ["classify", "score"])
def test_added_columns_stand_alone_or_under_another_name(verb, model, rows, tmp_path):
    run(verb, model, rows, "-o", tmp_path / "all.csv", "--quiet")
    run(verb, model, rows, "-o", tmp_path / "only.csv", "--quiet", "--only")
    run(verb, model, rows, "-o", tmp_path / "my.csv", "--quiet", "--prefix", "my ")
    every, only, my = (
        csv.read_csv(tmp_path / f"{n}.csv") for n in ("all", "only", "my")
    )
    given = csv.read_csv(rows)
    assert every.column_names[: len(given.column_names)] == given.column_names
    assert only.column_names == every.column_names[len(given.column_names) :]
    assert all(name.startswith("cbvae_") for name in only.column_names)
    assert only.equals(every.select(only.column_names))
    renamed = ["my " + name.removeprefix("cbvae_") for name in only.column_names]
    assert my.column_names == [*given.column_names, *renamed]


def test_another_prefix_resolves_a_clash(model, rows, tmp_path):
    run("classify", model, rows, "-o", tmp_path / "one.csv", "--quiet")
    argv = [model, tmp_path / "one.csv", "--quiet", "--prefix", "again_"]
    run("classify", *argv, "-o", tmp_path / "two.csv")
    found = csv.read_csv(tmp_path / "two.csv")
    assert found["again_label"].equals(found["cbvae_label"])


def test_rows_keep_their_order(model, rows, tmp_path):
    run("classify", model, rows, "-o", tmp_path / "o.csv", "--quiet", "--batch-rows", 7)
    assert csv.read_csv(tmp_path / "o.csv")["part"].equals(csv.read_csv(rows)["part"])


@pytest.mark.parametrize("verb", ["classify", "score", "impute"])
def test_answers_depend_on_neither_batches_nor_the_order_of_rows(
    verb, trained, samples, tmp_path
):
    bundle = trained / "payments.cbvae"
    text = (samples / "payments_new.csv").read_text(encoding="utf-8")
    header, *lines = text.splitlines(keepends=True)[:101]
    rows, turned = tmp_path / "rows.csv", tmp_path / "reversed.csv"
    rows.write_text(header + "".join(lines), encoding="utf-8")
    turned.write_text(header + "".join(reversed(lines)), encoding="utf-8")
    found = {}
    for name, table, size in (
        ("whole", rows, 10_000),
        ("sevens", rows, 7),
        ("turned", turned, 10_000),
    ):
        out = tmp_path / f"{name}.csv"
        argv = [bundle, table, "-o", out, "--quiet", "--batch-rows", size]
        run(verb, *argv)
        found[name] = csv.read_csv(out).sort_by("payment_id").to_pydict()
    for name in ("sevens", "turned"):
        assert list(found[name]) == list(found["whole"])
        for column, cells in found["whole"].items():
            if column.startswith("cbvae_") and isinstance(cells[0], float):
                assert np.allclose(found[name][column], cells, atol=1e-5)
            else:
                assert found[name][column] == cells


# Talk.


def test_a_summary_goes_where_rows_do_not(model, rows, tmp_path, capsys):
    argv = ["score", model, rows, "--json"]
    run(*argv, "-o", tmp_path / "s.csv")
    streams = capsys.readouterr()
    to_stdout = json.loads(streams.out)
    assert "scored 200 rows" in streams.err
    run(*argv)
    streams = capsys.readouterr()
    assert json.loads(streams.err) == to_stdout
    assert streams.out == (tmp_path / "s.csv").read_text(encoding="utf-8")
    run("score", model, rows, f"--json={tmp_path}/s.json")
    streams = capsys.readouterr()
    assert json.loads((tmp_path / "s.json").read_text()) == to_stdout
    assert "scored 200 rows" in streams.err
    assert to_stdout["schema"] == 1
    assert to_stdout["verb"] == "score"
    assert to_stdout["rows"] == 200


def test_every_verb_gives_a_summary(model, rows, tmp_path, capsys):
    for verb in ("classify", "impute", "score"):
        run(verb, model, rows, "-o", tmp_path / f"{verb}.csv", "--json")
        told = json.loads(capsys.readouterr().out)
        assert (told["verb"], told["rows"]) == (verb, 200)
    run("augment", model, "-n", 3, "-o", tmp_path / "a.csv", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["verb"], told["rows"], told["method"]) == ("augment", 3, "prior")
    for verb in ("inspect", "verify", "upgrade"):
        run(verb, model, "--json")
        assert json.loads(capsys.readouterr().out)["verb"] == verb


@pytest.mark.parametrize("verb", ["classify", "impute", "score"])
def test_quiet_says_nothing(verb, model, rows, tmp_path, capsys):
    run(verb, model, rows, "--quiet", "-o", tmp_path / "out.csv")
    assert capsys.readouterr() == ("", "")


def test_off_a_terminal_there_is_neither_bar_nor_colour(
    short, tmp_path, capsys, monkeypatch
):
    monkeypatch.delenv("NO_COLOR", raising=False)
    argv = ["--label", "outcome", "--epochs", "2", "--hidden", "16"]
    run("train", short, *argv, "-o", tmp_path / "m.cbvae")
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert "\r" not in said
    assert "━" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="takes a pseudo terminal")
def test_no_colour_is_obeyed_on_a_terminal(model):
    import pty  # not on every system

    colours = {}
    for value in ("", "1"):
        ours, theirs = pty.openpty()
        environ = {**os.environ, "NO_COLOR": value, "TERM": "xterm-256color"}
        code = "import sys; from cbvae_cli.cli.app import main; sys.exit(main())"
        argv = [sys.executable, "-c", code, "inspect", model]
        with subprocess.Popen(argv, stderr=theirs, env=environ) as process:
            os.close(theirs)
            said = b""
            while chunk := _read(ours):
                said += chunk
        os.close(ours)
        assert process.returncode == 0
        colours[value] = b"\x1b[3" in said
    assert not colours["1"]


def _read(handle):
    try:
        return os.read(handle, 65_536)
    except OSError:  # the other end is closed
        return b""
