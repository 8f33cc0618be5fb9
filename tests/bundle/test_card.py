from __future__ import annotations

from cbvae_cli.bundle.card import render_card


def test_a_card_says_what_the_manifest_says(manifest):
    card = render_card(manifest)
    for line in (
        "# Model card: cbvae",
        "- Made by: cbvae 0.1.0",
        "- Preset: fast",
        "- Label column: outcome",
        "- Positive class: 1",
        "- Rows: 100",
        "- Columns: 1",
        "- Digest: " + "ab" * 32,
        "| 0 | 90 |",
        "| 1 | 10 |",
        "| größe | numeric |",
        "| latent | 8 |",
        "| steps taken | 300 |",
        "| auprc, macro | 0.75 |",
        "| log_loss | 0.25 |",
        "- column 'ward' is constant",
    ):
        assert line in card.splitlines()
    assert "Digests find damage, not forgery" in card
    assert "No training row" in card


def test_an_empty_manifest_still_has_a_card():
    card = render_card({})
    assert card.startswith("# Model card\n")
    assert "None" not in card


def test_odd_parts_do_not_stop_a_card():
    odd = {"program": 1, "model": [], "label": None, "training": {"held_out": 3}}
    assert "## Limits" in render_card(odd)
    assert "| a |  |" in render_card({"label": {"classes": ["a"], "counts": None}})


def test_a_column_name_cannot_break_the_page():
    name = "a|b\n# <script>\x1b[0m"
    card = render_card({"schema": {"columns": [{"name": name, "kind": "numeric"}]}})
    assert "| a\\|b # \\<script\\> \\[0m | numeric |" in card.splitlines()


def test_stored_encodings_are_said_on_the_card():
    card = render_card({"training": {"settings": {"allow_stored_encodings": True}}})
    assert "Encodings of training rows are stored" in card
    assert "No training row" not in card


def test_a_wide_table_is_cut_with_a_count():
    columns = [{"name": f"c{i}", "kind": "numeric"} for i in range(250)]
    assert "and 50 more columns" in render_card({"schema": {"columns": columns}})
