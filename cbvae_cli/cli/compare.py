"""`cbvae compare`: this tool's models beside well-known ones, on one table."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cbvae_cli.cli.fitting import MODELS, LabelOption
from cbvae_cli.cli.groups import Compute, Reading, Telling, spread
from cbvae_cli.cli.jobs import Categorical, DropUnlabelled, Exclude, Numeric, Positive
from cbvae_cli.cli.options import Force, RowsIn
from cbvae_cli.errors import DataProblem, Interrupted, UsageProblem
from cbvae_cli.nearest import did_you_mean

if TYPE_CHECKING:
    import torch

    from cbvae_cli.report.console import Talk
    from cbvae_cli.training.compare import Contestant, Outcome
    from cbvae_cli.training.read import Table

# Of `peers.classifiers`, which takes numpy to import: help names them without.
PEERS = (
    *("logistic", "forest", "histgb", "imputed-forest", "xgboost", "lightgbm"),
    *("smote-xgboost", "balanced-forest"),
)
FEW = 10  # rows of a class whose figures are chance

Presets = Annotated[
    list[str] | None,
    typer.Option(
        "--preset",
        metavar="NAME",
        help="Preset of train that this tool's models take; may be given again.  "
        "[default: default]",
    ),
]
Seeds = Annotated[
    int,
    typer.Option(
        "--seeds", min=1, max=1000, metavar="N", help="Splits of the table, and runs."
    ),
]
Models = Annotated[
    str | None,
    typer.Option(
        "--models",
        metavar="A,B",
        parser=str,  # an option with a parser may be a list in a file of settings
        help="Only these, with commas between them: "
        + ", ".join((*MODELS, *PEERS))
        + ".  [default: all]",
    ),
]
Html = Annotated[
    str | None,
    typer.Option("--html", metavar="FILE", help="Also write a page to look at."),
]


@spread
def compare(
    data: RowsIn,
    label: LabelOption,
    preset: Presets = None,
    seeds: Seeds = 3,
    models: Models = None,
    exclude: Exclude = None,
    categorical: Categorical = None,
    numeric: Numeric = None,
    positive: Positive = None,
    drop_unlabelled: DropUnlabelled = False,
    html: Html = None,
    force: Force = False,
    *,
    compute: Compute,
    reading: Reading,
    telling: Telling,
) -> None:
    """Compare this tool's models with well-known ones on your table.

    All learn from the same 70 % of the rows and answer the same others. Some need the
    extra `compare` and say so.

    Example: cbvae compare payments.csv --label fraud --exclude payment_id
    """
    talk = telling.talk_only()
    chosen = _checked(models, preset or [])
    target = _page_target(html, force)

    from cbvae_cli.records import Columns
    from cbvae_cli.report.comparison import cells, heads, page, told
    from cbvae_cli.report.machine import emit
    from cbvae_cli.report.progress import Progress
    from cbvae_cli.table.aside import write_whole
    from cbvae_cli.training.compare import compare as contest

    device = compute.prepare()
    columns = Columns(
        label,
        tuple(exclude or ()),
        tuple(categorical or ()),
        tuple(numeric or ()),
        drop_unlabelled,
        positive=positive,
    )
    table, name = _table(data, columns, reading, compute.max_memory)
    _check_sizes(table, talk)
    for warning in table.warnings:
        talk.warn(warning)
    contestants = _contestants(*chosen, device, compute.threads)
    runs = len(contestants) * seeds
    numbers = [compute.seed + n for n in range(seeds)]
    try:
        with Progress("comparing", talk) as progress:
            outcomes = contest(
                table,
                contestants,
                numbers,
                lambda done, who: progress.update(done, runs, who),
            )
    except KeyboardInterrupt as error:
        raise Interrupted(
            "interrupted; compare keeps nothing of a run that did not end",
            hint="fewer --models and --seeds end sooner",
        ) from error
    for why in dict.fromkeys(each.why for each in outcomes if each.why):
        names = [each.name for each in outcomes if each.why == why]
        talk.warn(f"no figures of {', '.join(names)}: {why}")
    measured = [outcome for outcome in outcomes if outcome.runs]
    if not measured:
        raise DataProblem(
            "none of the models could be measured",
            where="; ".join(f"{each.name}: {each.why}" for each in outcomes),
            hint="name others with --models",
        )
    summary = {
        "data": name,
        **_measured(table, measured[0].runs),
        "seeds": numbers,
        "models": [_described(outcome) for outcome in outcomes],
        "warnings": talk.warnings,
    }
    for line in told(summary):
        talk.say(line)
    rows = [cells(found, summary) for found in summary["models"] if not found["why"]]
    talk.table(f"Models of '{label}'", heads(summary), rows)
    if target is not None:
        write_whole(target, page(summary).encode())
        talk.say(f"wrote {target}")
    emit(summary, "compare", telling.json)


def _checked(
    models: str | None, given_presets: Sequence[str]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Give families with presets, and names of peers, before any work is done."""
    from cbvae_cli.peers.classifiers import SOLVERS
    from cbvae_cli.training.presets import PRESETS

    known = [*MODELS, *SOLVERS]
    names = known if models is None else [n.strip() for n in models.split(",")]
    for flag, given, allowed in (
        ("--models", names, known),
        ("--preset", given_presets, list(PRESETS)),
    ):
        for word in given:
            if word not in allowed:
                raise UsageProblem(
                    f"{flag} knows no '{word}'",
                    expected="one of " + ", ".join(allowed),
                    hint=did_you_mean(word, allowed),
                )
    if given_presets and not set(names) & set(MODELS):
        raise UsageProblem(
            "--preset is of this tool's models, and --models names none of them",
            expected="one of " + ", ".join(MODELS) + " among --models",
        )
    presets = given_presets or ["default"]
    families = [
        (family, preset)
        for family in MODELS
        if family in names
        for preset in dict.fromkeys(presets)
    ]
    return families, [name for name in SOLVERS if name in names]


def _contestants(
    families: Sequence[tuple[str, str]],
    peers: Sequence[str],
    device: "torch.device",
    threads: int,
) -> "list[Contestant]":
    from cbvae_cli.peers.classifiers import classifier
    from cbvae_cli.training.compare import Own, Peer
    from cbvae_cli.training.presets import PRESETS

    own = [
        Own(dataclasses.replace(PRESETS[preset], model=family), device)
        for family, preset in families
    ]
    return [*own, *(Peer(classifier(name, threads)) for name in peers)]


def _check_sizes(table: "Table", talk: "Talk") -> None:
    """Refuse a class that is never on both sides, and name those that hardly are."""
    label = table.schema.label
    for name, count in zip(label.classes, label.counts, strict=True):
        if count < 2 and len(label.classes) == 2:
            raise DataProblem(
                f"class '{name}' has one row; a split needs it on both sides",
                where=f"label column '{label.name}'",
                expected="at least 2 rows of each class, better 30",
            )
        if count < FEW:
            talk.warn(
                f"few rows of class '{name}' ({count}): its figures rest on a third of "
                "them, or on none"
            )


def _page_target(html: str | None, force: bool) -> Path | None:
    """Refuse a page that cannot be written, or that would replace something else."""
    if html is None:
        return None
    from cbvae_cli.report.comparison import BEGINNING
    from cbvae_cli.table.aside import may_hold
    from cbvae_cli.table.targets import check_parent

    target = Path(html)
    if target.exists() and not target.is_file():
        raise UsageProblem(f"'{html}' is no file", expected="a file for the page")
    if target.exists() and not force:
        raise UsageProblem(f"'{html}' exists", hint="--force replaces it")
    if target.exists() and not may_hold(html, BEGINNING.encode()):
        raise UsageProblem(
            f"'{html}' is no page, so it is not replaced",
            expected="a new file, or an older page",
            hint="name another file with --html",
        )
    check_parent(html, target.parent)
    return target


def _table(
    data: str, columns: Any, reading: Reading, max_memory: int | None
) -> "tuple[Table, str]":
    """Read all rows; numbers are scaled later, by training rows alone."""
    from cbvae_cli.table.scale import fit_standard
    from cbvae_cli.table.source import open_source
    from cbvae_cli.training.read import find_schema, read_table
    from cbvae_cli.training.thin import thinning_for

    with open_source(data, reading.options(), reread=True) as source:
        schema, warnings = find_schema(source, columns)
        thinning = thinning_for(schema, max_memory)
        table = read_table(source, schema, fit_standard, thinning)
        table.warnings[:0] = warnings
        return table, source.name


def _measured(table: "Table", runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Say what is measured, and on what; `runs` are those of any model."""
    from cbvae_cli.training.halves import TEST_SHARE

    label = table.schema.label
    two = len(label.classes) == 2
    tested = {
        name: sum(run["tested"][name] for run in runs) / len(runs)
        for name in label.classes
    }
    ranked = (
        (run["tested"], [label.positive] if two else [*run["auprc_by_class"]])
        for run in runs
    )
    chances = [_chance(*each) for each in ranked if each[1]]
    return {
        "rows": len(table.labels),
        "label": label.name,
        "classes": dict(zip(label.classes, label.counts, strict=True)),
        "test_share": TEST_SHARE,
        "tested": tested,
        "positive": label.positive,
        "measured": f"of class '{label.positive}'"
        if two
        else "means over classes, each against the rest",
        "chance": sum(chances) / len(chances) if chances else None,
    }


def _chance(tested: dict[str, int], names: Sequence[str]) -> float:
    """Give the mean AUPRC that chance has for some of the classes of a test."""
    return sum(tested[name] for name in names) / sum(tested.values()) / len(names)


def _described(outcome: "Outcome") -> dict[str, Any]:
    from cbvae_cli.training.compare import FIGURES

    return {
        "name": outcome.name,
        "own": outcome.own,
        "why": outcome.why,
        **{
            name: {"mean": outcome.mean(name), "spread": outcome.spread(name)}
            for name in FIGURES
        },
        "auprc_by_class": outcome.by_class(),
        "runs": outcome.runs,
    }
