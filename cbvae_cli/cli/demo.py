"""`cbvae demo`: the whole main job on the sample tables."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cbvae_cli.cli.groups import Telling, spread
from cbvae_cli.cli.options import Force
from cbvae_cli.errors import CBVAEError, DataProblem, UsageProblem

if TYPE_CHECKING:
    from cbvae_cli.report.console import Talk

SHOWN = 5  # rows of what was found
STRANGE = 0.01  # p-values below it
FAST = ("--preset", "fast")

Folder = Annotated[
    str,
    typer.Option("--output", "-o", metavar="FOLDER", help="Where results go."),
]


@spread
def demo(
    folder: Folder = "cbvae-demo", force: Force = False, *, telling: Telling
) -> None:
    """Run the whole job on the sample tables.

    Trains, fills, names, scores and makes rows, and says what it found.

    Example: cbvae demo -o cbvae-demo
    """
    from cbvae_cli.report.machine import emit

    talk = telling.talk_only()
    target = Path(folder)
    if target.exists() and not force:
        raise UsageProblem(
            f"'{folder}' exists already", hint="add --force, or name another with -o"
        )
    target.mkdir(parents=True, exist_ok=True)
    samples = sample_folder()
    for title, argv in _steps(samples, target):
        talk.say("")
        talk.say(title)
        talk.say("$ cbvae " + " ".join(argv))
        _run([*argv, *(["--force"] if force else []), *_silence(talk)])
    found = _findings(target)
    _tell(found, target, talk)
    emit({"folder": str(target), **found}, "demo", telling.json)


def sample_folder() -> Path:
    """Find the sample tables: within the installed package, or beside its source."""
    package = Path(__file__).parents[1]
    for folder in (package / "sample_data", package.parent / "sample_data"):
        if (folder / "payments.csv").is_file():
            return folder
    raise CBVAEError(
        "the sample tables are missing from this installation",
        hint="install cbvae anew",
    )


def _steps(samples: Path, target: Path) -> list[tuple[str, list[str]]]:
    payments, defects = target / "payments.cbvae", target / "defects.cbvae"
    three = samples / "defects.csv"
    labelled, new = samples / "payments.csv", samples / "payments_new.csv"
    steps: list[tuple[str, list[str | Path]]] = [
        (
            "1. Learn 6,000 payments, 2 % of them fraud, with missing cells; --preset "
            "fast, to end soon.",
            ["train", labelled, "--label", "fraud", "--exclude", "payment_id", *FAST],
        ),
        ("2. Fill the missing cells of 600 new payments.", ["impute", payments, new]),
        ("3. Name the class of each new payment.", ["classify", payments, new]),
        ("4. Score how strange each of them is.", ["score", payments, new]),
        (
            "5. Make 200 synthetic frauds.",
            ["augment", payments, "-n", "200", "--class", "yes"],
        ),
        (
            "6. The same with three classes: machined parts with two kinds of defect.",
            ["train", three, "--label", "outcome", "--exclude", "part", *FAST],
        ),
        ("7. Name the new parts.", ["classify", defects, samples / "defects_new.csv"]),
    ]
    outputs = ["payments.cbvae", "filled.csv", "named.csv", "scored.csv"]
    outputs += ["synthetic.csv", "defects.cbvae", "defects_named.csv"]
    return [
        (title, [str(word) for word in (*argv, "-o", target / output)])
        for (title, argv), output in zip(steps, outputs, strict=True)
    ]


def _silence(talk: "Talk") -> list[str]:
    return ["--quiet"] if talk.silent or talk.json is not None else []


def _run(argv: list[str]) -> None:
    from cbvae_cli.cli.app import main

    if main(argv):
        raise DataProblem("the demo stops here", where="cbvae " + " ".join(argv))


def _findings(target: Path) -> dict[str, Any]:
    """Read what the verbs wrote."""
    import pyarrow.compute as pc
    from pyarrow import csv

    named = csv.read_csv(target / "named.csv")
    likely = named.sort_by([("cbvae_p_yes", "descending")]).slice(length=SHOWN)
    shown = ["payment_id", "amount", "country", "n_payments_24h", "cbvae_p_yes"]
    p_values = csv.read_csv(target / "scored.csv")["cbvae_pvalue"]
    parts = csv.read_csv(target / "defects_named.csv")["cbvae_label"].value_counts()
    return {
        "expected_frauds": float(pc.sum(named["cbvae_p_yes"]).as_py()),
        "payments": named.num_rows,
        "likeliest_frauds": likely.select(shown).to_pylist(),
        "strange": int(pc.sum(pc.less(p_values, STRANGE)).as_py()),
        "strange_by_chance": STRANGE * pc.count(p_values).as_py(),
        "parts": {c["values"]: c["counts"] for c in parts.to_pylist()},
    }


def _tell(found: dict[str, Any], target: Path, talk: "Talk") -> None:
    talk.say("")
    talk.say(
        f"Of {found['payments']} new payments about {found['expected_frauds']:.0f} are "
        f"frauds, and {found['strange']} are strange for both classes (p < 0.01); "
        f"chance alone gives about {found['strange_by_chance']:.0f}."
    )
    rows = [list(row.values()) for row in found["likeliest_frauds"]]
    for row in rows:
        row[-1] = f"{row[-1]:.3f}"
    talk.table(
        "The likeliest frauds",
        ("payment_id", "amount", "country", "payments in 24 h", "p(fraud)"),
        rows,
    )
    counts = ", ".join(f"{n} {name}" for name, n in found["parts"].items())
    talk.say(f"New machined parts: {counts}.")
    talk.say(f"Everything is in {target}/; look into a bundle with")
    talk.say(f"$ cbvae inspect {target / 'payments.cbvae'}")
