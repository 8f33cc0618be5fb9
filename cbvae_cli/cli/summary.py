"""What a training table holds, told to programs and to people."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbvae_cli.answers.model import Model
    from cbvae_cli.report.console import Talk
    from cbvae_cli.table.schema import Schema
    from cbvae_cli.training.read import Table


def described(table: "Table") -> dict[str, Any]:
    """Give rows, classes and columns for a summary."""
    label = table.schema.label
    n_validation = 0 if table.validation is None else int(table.validation.sum())
    return {
        "rows": len(table.labels) - n_validation,
        "validation_rows": n_validation,
        "label": label.name,
        "classes": dict(zip(label.classes, label.counts, strict=True)),
        "positive": label.positive,
        "columns": [
            {
                "name": column.name,
                "role": column.role,
                "kind": column.kind.name if column.kind is not None else None,
            }
            for column in table.schema.columns
        ],
    }


def tell_schema(schema: "Schema", talk: "Talk") -> None:
    """Show classes and columns to people."""
    label = schema.label
    total = sum(label.counts)
    rows = [
        (name, count, f"{count / total:.2%}")
        for name, count in zip(label.classes, label.counts, strict=True)
    ]
    talk.table(f"Classes in column '{label.name}'", ("class", "rows", "share"), rows)
    kinds: dict[str, list[str]] = {}
    for column in schema.columns:
        kind = column.kind.name if column.kind is not None else column.role
        kinds.setdefault(kind, []).append(column.name)
    listed = [
        (kind, len(names), ", ".join(names[:8]) + (", …" if len(names) > 8 else ""))
        for kind, names in kinds.items()
    ]
    talk.table("Columns", ("kind", "columns", "names"), listed)
    if len(label.classes) == 1:
        talk.say(
            "one class: impute, score and augment will work with it; classify needs two"
        )


def threshold_of(model: "Model") -> float | None:
    """Give the probability from which the positive class is called by default.

    None where there is one class alone, and nothing to be called.
    """
    label = model.schema.label
    if len(label.classes) < 2:
        return None
    return float(model.thresholds[label.place(label.positive)])


def tell_positive(positive: str, threshold: float | None, talk: "Talk") -> None:
    """Say which class thresholds speak of, and from where it is called."""
    if threshold is not None:
        talk.say(
            f"positive class '{positive}', which classify calls from a probability of "
            f"{threshold:.3g} (--positive and --threshold change that)"
        )
