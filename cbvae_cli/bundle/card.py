"""The model card: a page of Markdown for whoever is handed a bundle."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_MOST_COLUMNS = 200
_LIMITS = (
    "Digests find damage, not forgery: a bundle is as trustworthy as the place "
    "it came from.",
    "Scores were measured on held-out rows of the training data. Rows from "
    "elsewhere or from later may do worse.",
    "Filled cells and synthetic rows are draws from a model, not observations.",
)
_NO_ROWS = "No training row, and no row's encoding, is stored in the bundle."
_STORED_ENCODINGS = (
    "Encodings of training rows are stored in this bundle "
    "(`--allow-stored-encodings`): hand it on as carefully as the data."
)


def render_card(manifest: Mapping[str, Any]) -> str:
    """Describe a bundle in Markdown, from its manifest alone.

    Parameters
    ----------
    manifest : mapping
        Every key is optional; what is missing is left out.

    Returns
    -------
    str
        The same manifest gives the same text: there are no dates in it.
    """
    sections = (
        _what_it_is(manifest),
        _data(manifest),
        _columns(manifest),
        _settings(manifest),
        _scores(manifest),
        _posterior(manifest),
        _adversary(manifest),
        _warnings(manifest),
        _limits(manifest),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _what_it_is(manifest: Mapping[str, Any]) -> str:
    program, model, label = (_part(manifest, k) for k in ("program", "model", "label"))
    family, preset = model.get("family"), model.get("preset")
    title = f"# Model card: {_text(family)}" if family else "# Model card"
    made_by = " ".join(
        _text(program[key]) for key in ("name", "version") if program.get(key)
    )
    facts = {
        "Made by": made_by,
        "Family": family,
        "Preset": preset,
        "Label column": label.get("column"),
        "Positive class": label.get("positive"),
    }
    purpose = (
        "A generative model of a table, one part per class: it fills missing cells, "
        "names classes, scores strange rows and draws new ones."
    )
    return f"{title}\n\n{purpose}\n\n{_list(facts)}".rstrip()


def _data(manifest: Mapping[str, Any]) -> str:
    data, label = _part(manifest, "data"), _part(manifest, "label")
    columns = _items(_part(manifest, "schema").get("columns"))
    facts = {
        "Name": data.get("name"),
        "Rows": data.get("rows"),
        "Columns": len(columns) or None,
        "Digest": data.get("digest"),
    }
    classes, counts = _items(label.get("classes")), _items(label.get("counts"))
    counts += [""] * (len(classes) - len(counts))
    table = _table(("Class", "Rows"), zip(classes, counts, strict=False))
    return _section("Data", _list(facts), table)


def _columns(manifest: Mapping[str, Any]) -> str:
    columns = [
        column
        for column in _items(_part(manifest, "schema").get("columns"))
        if isinstance(column, dict)
    ]
    rows = [(c.get("name", ""), c.get("kind", "")) for c in columns[:_MOST_COLUMNS]]
    left = len(columns) - len(rows)
    more = f"and {left} more columns" if left else ""
    return _section("Columns", _table(("Column", "Kind"), rows), more)


def _settings(manifest: Mapping[str, Any]) -> str:
    training = _part(manifest, "training")
    rows = list(_flat(_part(training, "settings")))
    if training.get("steps") is not None:
        rows.append(("steps taken", training["steps"]))
    return _section("Settings", _table(("Setting", "Value"), rows))


def _scores(manifest: Mapping[str, Any]) -> str:
    held_out = _part(_part(manifest, "training"), "held_out")
    return _section("Held-out scores", _table(("Measure", "Score"), _flat(held_out)))


def _posterior(manifest: Mapping[str, Any]) -> str:
    """Say what the posterior blends, so that no part takes another's merit."""
    parts = _part(_part(manifest, "training"), "posterior")
    rows = [(name, f"{_part(parts, name).get('weight', 0):.2f}") for name in parts]
    scores = [(name, _part(_part(parts, name), "auprc").get("macro")) for name in parts]
    return _section(
        "What the posterior blends",
        _table(("Part", "Weight on log-odds"), rows),
        _table(("Part by itself", "AUPRC, mean over classes"), scores),
    )


def _adversary(manifest: Mapping[str, Any]) -> str:
    """Say where the classes' priors ended, and what was between the networks."""
    training = _part(manifest, "training")
    path, found = _items(training.get("mu")), _part(training, "adversary")
    rows: list[tuple[str, Any]] = []
    if path:
        rows += [("mu at the start", path[0]), ("mu at the end", path[-1])]
    rows += [(name.replace("_", " "), found[name]) for name in sorted(found)]
    named = ((name, ", ".join(_text(each) for each in _items(x))) for name, x in rows)
    return _section(
        "Autoencoder and discriminator", _table(("By member", "Value"), named)
    )


def _warnings(manifest: Mapping[str, Any]) -> str:
    found = _items(_part(manifest, "training").get("warnings"))
    return _section("Warnings", "\n".join(f"- {_text(each)}" for each in found))


def _limits(manifest: Mapping[str, Any]) -> str:
    settings = _part(_part(manifest, "training"), "settings")
    stored = settings.get("allow_stored_encodings")
    limits = (*_LIMITS, _STORED_ENCODINGS if stored else _NO_ROWS)
    return _section("Limits", "\n".join(f"- {each}" for each in limits))


def _part(manifest: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = manifest.get(key)
    return found if isinstance(found, Mapping) else {}


def _items(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _flat(tree: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Walk nested numbers as `("auprc, macro", 0.9)`."""
    for key in sorted(tree, key=str):
        name = f"{before}, {key}" if before else str(key)
        if isinstance(tree[key], Mapping):
            yield from _flat(tree[key], name)
        else:
            yield name, tree[key]


def _section(title: str, *parts: str) -> str:
    body = "\n\n".join(part for part in parts if part)
    return f"## {title}\n\n{body}" if body else ""


def _list(facts: Mapping[str, object]) -> str:
    known = {name: value for name, value in facts.items() if value not in (None, "")}
    return "\n".join(f"- {name}: {_text(value)}" for name, value in known.items())


def _table(head: tuple[str, str], rows: Iterable[tuple[object, object]]) -> str:
    lines = [f"| {_text(a)} | {_text(b)} |" for a, b in rows]
    if not lines:
        return ""
    return "\n".join([f"| {head[0]} | {head[1]} |", "| --- | --- |", *lines])


def _text(value: object) -> str:
    """Write a value so that no column name can break the page's Markdown."""
    if isinstance(value, float):
        text = f"{value:.4g}"
    elif isinstance(value, str):
        text = value
    else:
        text = json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    for mark in "\\`*|<>[]":
        text = text.replace(mark, "\\" + mark)
    return text
