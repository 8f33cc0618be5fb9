import io
import sys

import pytest

from cbvae_cli.report.console import Talk, escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Österreich, 東京", "Österreich, 東京"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\r\0", "a\\nb\\r\\x00"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udcff", "\\udcff"),
    ],
)
def test_what_cannot_be_printed_is_made_visible(text, shown):
    assert escaped(text) == shown


def test_talk_goes_to_standard_error(capsys):
    Talk().say("reading\x1b")
    Talk().warn("odd")
    streams = capsys.readouterr()
    assert streams.out == ""
    assert streams.err == "reading\\x1b\nwarning: odd\n"


@pytest.mark.parametrize(
    "talk", [Talk(quiet=True), Talk(json="-", rows_to_stdout=True)]
)
def test_silent_talk_says_nothing_and_keeps_its_warnings(capsys, talk):
    talk.say("a")
    talk.warn("b")
    talk.table("c", ["d"], [[1]])
    assert capsys.readouterr() == ("", "")
    assert talk.warnings == ["b"]


@pytest.mark.parametrize("json", [None, "-", "file.json"])
def test_json_elsewhere_does_not_silence_talk(json):
    assert not Talk(json=json, rows_to_stdout=False).silent


def test_a_table_shows_column_names_as_they_are(capsys):
    long = "x" * 90
    rows = [["[bold]age[/bold]", 0.25], [long, 12], ["\x1b[0m", None]]
    Talk().table("[red]scores", ["column", "gap"], rows)
    text = capsys.readouterr().err
    for shown in ("[red]scores", "[bold]age[/bold]", long, "\\x1b[0m", "0.25"):
        assert shown in text
    assert "\x1b" not in text


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_no_color_is_obeyed_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", "1")
    Talk().table("scores", ["a"], [[1]])
    assert "\x1b[3" not in sys.stderr.getvalue().replace("\x1b[3m", "")


def test_nothing_moves_off_a_terminal():
    assert not Talk().live


def test_nothing_moves_where_rows_are_shown(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert Talk().live
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert not Talk(rows_to_stdout=True).live


def test_a_missing_stream_is_no_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert not Talk().live
