"""`cbvae inspect`: what is in a bundle or a store."""

from typing import TYPE_CHECKING, Any

from cbvae_cli.cli.groups import Telling, spread
from cbvae_cli.cli.options import BundleIn
from cbvae_cli.cli.summary import tell_positive

if TYPE_CHECKING:
    from cbvae_cli.report.console import Talk


@spread
def inspect(bundle: BundleIn, *, telling: Telling) -> None:
    """Show what is in a bundle, or list the versions in a store.

    Reads the manifest alone: no model is built.

    Example: cbvae inspect fraud.cbvae
    """
    from cbvae_cli.bundle.container import read_manifest
    from cbvae_cli.bundle.misfit import fitting_together
    from cbvae_cli.bundle.store import is_store, listing, resolve
    from cbvae_cli.report.machine import emit

    talk = telling.talk_only()
    if is_store(bundle):
        versions = listing(bundle)
        summary: dict[str, Any] = {"store": bundle, "versions": versions}
        if telling.json != "-":
            _tell_store(versions, talk)
    else:
        path = resolve(bundle)
        manifest = read_manifest(path)
        with fitting_together(path):
            if telling.json != "-":
                _tell_bundle(manifest, talk)
            # In a summary `schema` is the number of the summary's own form.
            summary = {**manifest, "columns": manifest["schema"]["columns"]}
    emit(summary, "inspect", telling.json)


def _tell_store(versions: list[dict[str, Any]], talk: "Talk") -> None:
    rows = [
        (
            version["number"],
            version.get("family", ""),
            str(version.get("data_digest") or "")[:12],
            ", ".join(version.get("classes") or ()),
            _best(version.get("held_out") or {}),
            version.get("error", ""),
        )
        for version in versions
    ]
    names = ("number", "family", "data digest", "classes", "held-out AUPRC", "")
    talk.table("Versions, oldest first", names, rows)


def _best(held_out: dict[str, Any]) -> str:
    """Give the macro area under the precision-recall curve of each rule."""
    found = {
        rule: scores.get("auprc", {}).get("macro") for rule, scores in held_out.items()
    }
    return ", ".join(f"{r} {v:.3f}" for r, v in found.items() if v is not None)


def _tell_bundle(manifest: dict[str, Any], talk: "Talk") -> None:
    program, model, data = (manifest[key] for key in ("program", "model", "data"))
    label, training = manifest["label"], manifest["training"]
    talk.say(
        f"{model['family']} bundle, preset {model['preset']}, written by "
        f"{program['name']} {program['version']} (format {manifest['format']})"
    )
    talk.say(
        f"trained on {data['rows']:,} rows, digest {data['digest'][:12]}, "
        f"{training['steps']:,} steps"
    )
    parts = training["parts"]
    counts = zip(
        label["classes"],
        label["counts"],
        parts["train"],
        parts["calibrate"],
        parts["certify"],
        strict=True,
    )
    talk.table(
        f"Classes in column '{label['column']}'",
        ("class", "rows", "train", "calibrate", "certify"),
        list(counts),
    )
    columns = [
        (c["name"], c.get("kind", c["role"]), c["storage"], c["value"])
        for c in manifest["schema"]["columns"]
    ]
    talk.table("Columns", ("column", "kind", "type", "value"), columns)
    tell_held_out(training["held_out"], talk)
    if len(label["classes"]) > 1:
        place = label["classes"].index(label["positive"])
        threshold = manifest["calibration"]["thresholds"][place]
        tell_positive(label["positive"], threshold, talk)
    tell_posterior(training.get("posterior", {}), talk)
    tell_adversary(training, talk)
    for warning in training["warnings"]:
        talk.say(f"note: {warning}")


def tell_held_out(held_out: dict[str, Any], talk: "Talk") -> None:
    """Show how well each rule names held-out rows, class by class."""
    measured = {r: s["auprc"] for r, s in held_out.items() if "auprc" in s}
    if not measured:
        return
    first = next(iter(held_out.values()))
    rows = [
        (name, *(f"{found['classes'][name]:.3f}" for found in measured.values()))
        for name in next(iter(measured.values()))["classes"]
    ]
    rows.append(("mean", *(f"{found['macro']:.3f}" for found in measured.values())))
    title = f"AUPRC by rule on {first['rows']:,} held-out rows"
    talk.table(title, ("class", *measured), rows)


def tell_posterior(parts: dict[str, Any], talk: "Talk") -> None:
    """Show what the posterior is made of, and how good each part is by itself."""
    rows = [
        (name, f"{part['weight']:.2f}", f"{part['auprc']['macro']:.3f}")
        for name, part in parts.items()
        if "auprc" in part
    ]
    if rows:
        title = "What the posterior blends: weight on log-odds, AUPRC by itself"
        talk.table(title, ("part", "weight", "AUPRC"), rows)


def tell_adversary(training: dict[str, Any], talk: "Talk") -> None:
    """Show how far mu has moved, member by member, and what moved it."""
    found = training.get("adversary")
    if not found:
        return
    path = training["mu"]
    members = zip(
        path[0],
        path[-1],
        found["feature_loss"],
        found["adversarial_loss"],
        found["support_samples"],
        strict=True,
    )
    rows = [
        (number, *(f"{value:.3f}" for value in values), f"{made:,}")
        for number, (*values, made) in enumerate(members)
    ]
    head = ("member", "mu, start", "mu, end", "feature loss", "adversarial loss")
    talk.table(
        f"Classes at distance mu, over {len(path) - 1} epochs",
        (*head, "support samples"),
        rows,
    )
