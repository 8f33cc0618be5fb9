import json
import os
import signal

import pytest

from cbvae_cli import __version__
from cbvae_cli.cli.app import main

HEAVY = {"torch", "pandas", "pyarrow", "sklearn", "numpy", "scipy", "rich"}

MODULES_AFTER = """
import sys
from cbvae_cli.cli.app import main
code = main(sys.argv[1:])
print("\\n".join({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


# Start-up, in a fresh interpreter: other tests would hide a leak.


@pytest.mark.parametrize("flag", ["--help", "--version", "--show-completion"])
def test_starting_loads_nothing_heavy(start, flag):
    process = start("-c", MODULES_AFTER, flag, env={"SHELL": "/bin/bash"})
    seen = set(process.communicate()[1].split())
    assert "typer" in seen
    assert seen.isdisjoint(HEAVY)


def test_help_lists_the_verbs_in_order_and_the_exit_codes(start):
    process = start("-m", "cbvae_cli", "--help")
    text = process.communicate()[0]
    order = "train classify impute score augment embed cluster evaluate".split()
    order += "compare inspect verify upgrade demo".split()
    listed = text.partition("Commands:")[2].partition("Exit codes:")
    verbs = [line.split()[0] for line in listed[0].splitlines() if line[2:3].strip()]
    codes = [line.split()[0] for line in listed[2].splitlines() if line.strip()]
    assert process.returncode == 0
    assert verbs == order
    assert codes == ["0", "1", "2", "3", "4", "5", "130", "141"]


def test_the_version_is_printed(run, capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"cbvae {__version__}\n"


def test_no_arguments_at_all_mean_help(run, capsys):
    assert run() == 0
    assert "Usage: cbvae" in capsys.readouterr().out


# Exit codes.


@pytest.mark.parametrize(
    ("fail", "code", "said"),
    [
        ("data", 3, "error: column"),
        ("check", 5, "error: the check failed"),
        ("saved", 130, "interrupted; the work is saved"),
        ("bug", 1, "internal error: ZeroDivisionError in "),
        ("memory", 3, "--batch-rows"),
        ("disk", 3, "no space left on device"),
        ("missing", 2, "/no/such/file"),
        ("terminated", 130, "interrupted\n"),
        ("", 0, "working\n"),
    ],
)
def test_every_ending_has_its_exit_code_and_a_sentence(run, capsys, fail, code, said):
    assert run("work", "b", "d", "--fail", fail) == code
    streams = capsys.readouterr()
    assert said in streams.err
    assert "Traceback" not in streams.err
    assert streams.out == "a,b\n"


def test_an_error_of_a_users_making_is_told_with_its_details(run, capsys):
    run("work", "b", "d", "--quiet", "--fail", "data")
    assert capsys.readouterr().err == (
        "error: column '\\x1b[31mage' holds text\n"
        "  where     a.csv, line 3: 'x\\ny'\n"
        "  expected  a number\n"
        "  try       add --null\n"
    )


def test_a_bug_does_not_quote_rows(run, capsys):
    run("work", "b", "d", "--fail", "bug")
    assert "secret-value" not in capsys.readouterr().err


def test_a_bug_shows_its_traceback_when_asked(run, capsys, monkeypatch):
    monkeypatch.setenv("CBVAE_DEBUG", "1")
    assert run("work", "b", "d", "--fail", "bug") == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        ["--threads", "-1"],
        ["--seed", "x"],
        ["--seed", str(2**32)],
        ["--device", "gpu"],
        ["--engine", "ray"],
        ["--in-format", "xls"],
        ["--max-memory", "4XB"],
        ["--max-memory", "0"],
        ["--max-memory", "9999999999TB"],
        ["--batch-rows", "0"],
        ["--delimiter", "ab"],
        ["--delimiter", ""],
        ["--encoding", "klingon"],
        ["--encoding", "base64"],
        ["--prefix", ""],
        ["--no-such-flag"],
        ["extra"],
    ],
)
def test_a_wrong_option_is_wrong_usage_told_in_one_sentence(run, capsys, flags):
    assert run("work", "b", "d", *flags) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err.startswith("error: ")
    assert streams.err.count("\n") == 2
    assert "cbvae work --help" in streams.err


def test_a_wrong_choice_is_answered_with_the_list(run, capsys):
    run("work", "b", "d", "--device", "gpu")
    assert "'auto', 'cpu', 'cuda'" in capsys.readouterr().err


def test_an_unknown_verb_is_answered_with_the_nearest(run, capsys):
    assert run("wrk") == 2
    assert "'work'" in capsys.readouterr().err


def test_options_arrive_as_their_types(run, dummy):
    argv = ["--max-memory", "1.5 GiB", "--delimiter", "tab", "--null", "a b"]
    argv += ["--null", "c", "--encoding", "latin-1", "--device", "cpu"]
    assert run("work", "b", "d", *argv) == 0
    expected = {
        "max_memory": 3 * 2**29,
        "delimiter": "\t",
        "null": ["a b", "c"],
        "encoding": "latin-1",
        "device": "cpu",
        "output": None,
        "prefix": "cbvae_",
    }
    assert {name: dummy.SEEN[name] for name in expected} == expected


# Settings.


def test_flag_then_variable_then_file_then_default(run, dummy, tmp_path, monkeypatch):
    config = tmp_path / "run.toml"
    config.write_text('seed = 1\nthreads = 1\nrule = "high"\n[work]\nbatch-rows = 1\n')
    monkeypatch.setenv("CBVAE_THREADS", "2")
    monkeypatch.setenv("CBVAE_SEED", "2")
    assert run("work", "b", "d", "--config", str(config), "--seed", "3") == 0
    names = ("seed", "threads", "batch_rows", "rule", "rate")
    assert [dummy.SEEN[name] for name in names] == [3, 2, 1, "high", 0.5]


def test_a_switch_may_be_set_by_variable_or_file(run, dummy, tmp_path, monkeypatch):
    config = tmp_path / "run.toml"
    config.write_text('only = true\nmax_memory = 1000\nnull = ["x y", "z"]\n')
    monkeypatch.setenv("CBVAE_CONFIG", str(config))
    monkeypatch.setenv("CBVAE_QUIET", "yes")
    assert run("work", "b", "d") == 0
    names = ("only", "quiet", "max_memory", "null")
    assert [dummy.SEEN[name] for name in names] == [True, True, 1000, ["x y", "z"]]


def test_one_file_serves_several_verbs(run, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text("threads = 1\n[work]\nseed = 1\n")
    assert run("peek", "b", "--config", str(config)) == 0


def test_bounds_hold_for_the_file_too(run, capsys, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text("threads = -1\n")
    assert run("work", "b", "d", "--config", str(config)) == 2
    assert "--threads" in capsys.readouterr().err


def test_an_unknown_key_of_the_file_ends_the_run(run, capsys, tmp_path):
    config = tmp_path / "run.toml"
    config.write_text("thread = 1\n")
    assert run("work", "b", "d", "--config", str(config)) == 2
    streams = capsys.readouterr()
    assert "did you mean 'threads'?" in streams.err
    assert streams.out == ""


# --json.


def only_object(text):
    [line] = text.splitlines()
    return json.loads(line)


def test_json_takes_standard_output_when_rows_go_to_a_file(run, capsys):
    assert run("work", "b", "d", "-o", "out.csv", "--json") == 0
    streams = capsys.readouterr()
    assert only_object(streams.out) == {"schema": 1, "verb": "work", "rows": 1}
    assert streams.err == "working\n"


def test_json_takes_standard_error_alone_when_rows_go_to_standard_output(run, capsys):
    assert run("work", "b", "d", "--json") == 0
    streams = capsys.readouterr()
    assert streams.out == "a,b\n"
    assert only_object(streams.err)["verb"] == "work"


def test_json_of_a_verb_without_rows_takes_standard_output(run, capsys):
    assert run("peek", "b", "--json") == 0
    assert only_object(capsys.readouterr().out)["bundle"] == "b"


def test_json_may_name_a_file(run, capsys, tmp_path):
    target = tmp_path / "summary.json"
    assert run("work", "b", "d", f"--json={target}") == 0
    assert only_object(target.read_text())["rows"] == 1
    assert capsys.readouterr().out == "a,b\n"


def test_after_two_dashes_json_is_a_name(run, dummy):
    assert run("work", "--", "b", "--json") == 0
    assert (dummy.SEEN["data"], dummy.SEEN["json"]) == ("--json", None)


def test_a_failure_is_json_where_the_summary_would_have_been(run, capsys):
    assert run("work", "b", "d", "--fail", "data", "-o", "x", "--json") == 3
    found = only_object(capsys.readouterr().out)
    assert (found["schema"], found["verb"], found["exit_code"]) == (1, "work", 3)
    assert set(found["error"]) == {"what", "where", "expected", "hint"}


def test_a_failure_keeps_rows_and_json_apart(run, capsys):
    assert run("work", "b", "d", "--fail", "data", "--json") == 3
    streams = capsys.readouterr()
    assert streams.out == "a,b\n"
    assert only_object(streams.err)["exit_code"] == 3


def test_wrong_usage_is_json_too(run, capsys):
    assert run("work", "b", "d", "--seed", "x", "-o", "y", "--json") == 2
    assert only_object(capsys.readouterr().out)["exit_code"] == 2


def test_a_failed_check_leaves_one_json_object(run, capsys):
    assert run("work", "b", "d", "--fail", "check", "-o", "x", "--json") == 5
    assert only_object(capsys.readouterr().out)["rows"] == 1


def test_a_summary_that_cannot_be_written_is_still_told(run, capsys, tmp_path):
    assert run("peek", "bad", f"--json={tmp_path}/none/x.json") == 4
    assert "not a bundle" in capsys.readouterr().err


# Signals and pipes, in a fresh interpreter.


@pytest.fixture
def heard():
    """Let children hear a hang-up even if the tests themselves run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_stop_ends_the_run_with_one_line(start_dummy, number):
    process = start_dummy("work", "b", "d", "--quiet", "--fail", "sleep")
    assert process.stderr.readline() == "ready\n"
    process.send_signal(number)
    assert process.communicate()[1] == "interrupted\n"
    assert process.returncode == 130


def test_a_reader_that_goes_away_ends_the_run_quietly(start_dummy):
    process = start_dummy("work", "b", "d", "--quiet", "--fail", "flood")
    assert process.stdout.readline() == "a,b\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141


@pytest.mark.parametrize("argv", [["--help"], ["work", "b", "d", "--quiet"]])
def test_a_reader_that_was_never_there_is_no_surprise(start_dummy, argv):
    reader, writer = os.pipe()
    os.close(reader)
    process = start_dummy(*argv, stdout=writer)
    os.close(writer)
    assert process.communicate()[1] == ""
    assert process.returncode == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_under_standard_output_is_told_once(start_dummy):
    with open("/dev/full", "w") as full:
        process = start_dummy("work", "b", "d", "--quiet", stdout=full)
    error = process.communicate()[1]
    assert process.returncode == 3
    assert error.startswith("error: cannot write: no space left on device")
    assert "Exception ignored" not in error


@pytest.mark.parametrize("words", ["--help verify", "-h verify", "help verify"])
def test_help_may_stand_before_the_verb(words, capsys):
    assert main(["verify", "--help"]) == 0
    shown = capsys.readouterr().out
    assert "Usage: cbvae verify" in shown
    assert main(words.split()) == 0
    assert capsys.readouterr().out == shown


@pytest.mark.parametrize("words", ["help", "-h", "--help --quiet"])
def test_help_of_no_verb_is_that_of_the_program(words, capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert main(words.split()) == 0
    assert capsys.readouterr().out == shown


def test_help_of_a_verb_that_is_not_there_names_the_nearest(capsys):
    assert main(["help", "clasify"]) == 2
    assert "classify" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "wanted"), [("cbvae train --la", "--label"), ("cbvae cl", "classify")]
)
def test_a_shell_completes_verbs_and_flags(start, words, wanted):
    place = str(len(words.split()) - 1)
    asked = {"COMP_WORDS": words, "COMP_CWORD": place}
    asked["_CBVAE_COMPLETE"] = "complete_bash"
    process = start("-m", "cbvae_cli", env=asked)
    assert wanted in process.communicate()[0].split()
