"""A comparison as a row and as a page."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from cbvae_cli.report.comparison import cells, heads, page, told

NAN = float("nan")


def outcome(name="histgb", mean=0.5, spread=0.01, why="", own=False):
    figure = {"mean": mean, "spread": spread}
    return {
        "name": name,
        "own": own,
        "why": why,
        **dict.fromkeys(("auprc", "auroc", "log_loss", "seconds"), figure),
        "auprc_by_class": {} if why else {"no": 0.9, "yes": 0.25},
        "runs": [] if why else [{"seed": 0, "auprc": mean}],
    }


def summary(*models, classes=("no", "yes")):
    return {
        "data": "<b>rows</b>.csv",
        "label": "fraud & co",
        "rows": 1500,
        "classes": dict.fromkeys(classes, 100),
        "positive": "yes",
        "test_share": 0.3,
        "tested": dict.fromkeys(classes, 30),
        "seeds": [0, 1],
        "measured": "of class 'yes'",
        "chance": 0.02,
        "models": models,
        "warnings": ["<script>alert(1)</script>"],
    }


@pytest.mark.parametrize(
    ("mean", "spread", "shown"),
    [(0.5, 0.01, "0.500 ± 0.010"), (0.5, NAN, "0.500"), (NAN, NAN, "-")],
)
def test_a_figure_shows_its_spread_where_there_is_one(mean, spread, shown):
    assert cells(outcome(mean=mean, spread=spread), summary())[1] == shown


def test_who_cannot_run_has_a_row_without_figures():
    row = cells(outcome(why="no package"), summary())
    assert row == ["histgb", "", "", "", ""]


def test_of_more_than_two_classes_the_positive_one_has_a_column():
    three = summary(classes=("no", "maybe", "yes"))
    at = heads(three).index("of 'yes'")
    assert cells(outcome(), three)[at] == "0.250"
    untested = {**outcome(), "auprc_by_class": {"no": 0.9}}
    assert cells(untested, three)[at] == "-"
    assert len(cells(outcome(why="no package"), three)) == len(heads(three))
    assert len(cells(outcome(), summary())) == len(heads(summary())) == 5


class Page(HTMLParser):
    """Collects tags, addresses and words."""

    VOID = ("meta", "path", "circle", "br")

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.addresses, self.words = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [v for k, v in attrs if k in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_page_is_whole_needs_nothing_and_runs_nothing_of_the_table():
    models = [outcome("cbvae default", own=True), outcome(why="<i>absent</i>")]
    read = Page()
    read.feed(page(summary(*models)))
    assert read.open == []
    assert read.addresses == []
    assert not {"script", "b", "i"} & set(read.tags)
    assert read.tags.count("circle") == 1
    text = " ".join(read.words)
    assert "cbvae default" in text
    assert "<i>absent</i>" in text
    assert "<script>alert(1)</script>" in text
    assert "fraud & co" in text


def test_one_split_is_not_called_many():
    one = summary() | {"seeds": [4]}
    assert "1 split." in told(one)[0]
    assert "2 splits" in told(summary())[0]
