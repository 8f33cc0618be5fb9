import io
import sys

import pytest

from cbvae_cli.report.console import Talk
from cbvae_cli.report.progress import Progress, seconds_left, spoken


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Make standard error a terminal, from inside the test.

    Not before it: between set-up and call pytest puts its own streams back.
    """

    def begin():
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    return begin


def test_off_a_terminal_nothing_is_drawn(capsys):
    with Progress("training", Talk()) as progress:
        progress.update(1, 2, "loss 3")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "talk", [Talk(quiet=True), Talk(json="-", rows_to_stdout=True)]
)
def test_silent_talk_draws_nothing_on_a_terminal(terminal, talk):
    screen = terminal()
    with Progress("training", talk) as progress:
        progress.update(1, 2, "loss 3")
    assert screen.getvalue() == ""


def test_a_terminal_sees_the_label_the_count_and_the_note(terminal):
    screen = terminal()
    with Progress("training [0-1]", Talk()) as progress:
        progress.update(1, 2, "[red]loss")
        progress.update(2, 2, "[red]loss")
    drawn = screen.getvalue()
    assert "training [0-1]" in drawn
    assert "2/2" in drawn.replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert "[red]loss" in drawn


def test_rows_still_reach_standard_output_under_a_bar(terminal, capsys):
    screen = terminal()
    with Progress("reading", Talk()) as progress:
        progress.update(1)
        print("a,b")
    assert "reading" in screen.getvalue()
    assert capsys.readouterr().out == "a,b\n"


def test_an_error_passes_through_and_the_cursor_comes_back(terminal):
    screen = terminal()

    def interrupted():
        with Progress("training", Talk()) as progress:
            progress.update(1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert "\x1b[?25h" in screen.getvalue()


@pytest.mark.parametrize(
    ("elapsed", "done", "total", "left"),
    [
        (10, 1, 4, 30),
        (10, 4, 4, 0),
        (10, 5, 4, 0),
        (10, 0, 4, None),
        (1, 1, 4, None),
        (10, 1, None, None),
    ],
)
def test_the_time_left_follows_the_mean_speed(elapsed, done, total, left):
    assert seconds_left(elapsed, done, total) == left


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (600, "10 min"), (7200, "2.0 h")]
)
def test_a_guess_is_spoken_coarsely(seconds, words):
    assert spoken(seconds) == words
