"""`cbvae train --update`: train, add or drop one class of a bundle."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cbvae_cli.cli.groups import Compute, Reading, Telling
from cbvae_cli.cli.inspect import tell_held_out
from cbvae_cli.cli.jobs import Jobs
from cbvae_cli.cli.summary import tell_positive, tell_schema, threshold_of
from cbvae_cli.errors import UsageProblem

if TYPE_CHECKING:
    from cbvae_cli.answers.model import Model
    from cbvae_cli.records import Settings
    from cbvae_cli.report.console import Talk

UpdateOption = Annotated[
    str | None,
    typer.Option(
        "--update",
        metavar="BUNDLE",
        help="Train one class of DATA into this bundle, new or anew; its other "
        "classes and its columns stay as they are. Give rows of all classes if you "
        "can: those left out are drawn from the bundle.",
    ),
]
ClassOption = Annotated[
    str | None,
    typer.Option(
        "--class",
        metavar="CLASS",
        help="The class that --update trains.  [default: the one that the bundle "
        "lacks, or the only one in DATA]",
    ),
]
DropOption = Annotated[
    str | None,
    typer.Option(
        "--drop-class",
        metavar="CLASS",
        help="Take this class out of the bundle that --update names; no DATA then.",
    ),
]


KEPT, NONE_KEPT = "rows kept", "no row kept"


@dataclass(frozen=True)
class Changing:
    """Which class of which bundle is changed, and how."""

    update: UpdateOption = None
    of_class: ClassOption = None
    drop_class: DropOption = None

    @property
    def wanted(self) -> bool:
        """Tell whether a bundle is changed, not made."""
        return any(value is not None for value in dataclasses.astuple(self))

    def check(self, data: str | None, jobs: Jobs, others: Mapping[str, bool]) -> None:
        """Refuse flags that do not go together, before anything is read.

        Parameters
        ----------
        data : str or None
        jobs : Jobs
        others : mapping of str to bool
            Further flags that have no meaning here, and whether they were given.
        """
        if self.update is None:
            flag = "--class" if self.drop_class is None else "--drop-class"
            raise UsageProblem(
                f"{flag} speaks of a bundle, and none is named",
                expected="--update BUNDLE beside it",
            )
        if self.drop_class is not None:
            given = "--class" if self.of_class is not None else None
            given = "DATA" if data is not None else given
            if given:
                raise UsageProblem(
                    f"--drop-class trains nothing, so {given} has no place beside it",
                    expected="cbvae train --update BUNDLE --drop-class CLASS -o NEW",
                )
        elif data is None:
            raise UsageProblem(
                "there is no table to train the class from",
                expected="cbvae train DATA --update BUNDLE -o NEW",
            )
        free = ("positive", "drop_unlabelled")
        steering = {
            f"--{field.name}": bool(getattr(jobs, field.name))
            for field in dataclasses.fields(jobs)
            if field.name not in free
        }
        for flag, is_given in {**others, **steering}.items():
            if is_given:
                raise UsageProblem(
                    f"{flag} has no place beside --update",
                    hint="leave it out: the bundle knows its columns and settings"
                    if flag in steering
                    else "leave it out",
                )

    def run(
        self,
        data: str | None,
        label: str | None,
        target: str,
        given: Mapping[str, Any],
        *,
        force: bool,
        jobs: Jobs,
        compute: Compute,
        reading: Reading,
        telling: Telling,
    ) -> None:
        """Change the bundle and write it anew.

        Parameters
        ----------
        data, label : str or None
        target : str
            The bundle to write.
        given : mapping of str
            Settings that were given: `preset`, `latent` and `hidden` must be the
            bundle's; others hold for the class that is trained.
        """
        from cbvae_cli.bundle.model import open_model, save_model
        from cbvae_cli.report.machine import emit
        from cbvae_cli.training.drop import drop
        from cbvae_cli.training.lineage import by_class

        assert self.update is not None
        talk = telling.talk_only()
        model = open_model(self.update, compute.prepare())
        by_class(model.family)
        _check_same(model, label, given)
        if data is None:
            changed = drop(model, self.drop_class or "")
        else:
            changed = self._trained(
                model, data, given, talk, jobs=jobs, compute=compute, reading=reading
            )
        changed = _with_positive(changed, jobs.positive)
        path = save_model(changed, target, force=force)
        _tell(changed, model, talk)
        talk.say(f"wrote {path}")
        emit(_summary(changed, str(path), data, talk), "train", telling.json)

    def _trained(
        self,
        model: "Model",
        data: str,
        given: Mapping[str, Any],
        talk: "Talk",
        *,
        jobs: Jobs,
        compute: Compute,
        reading: Reading,
    ) -> "Model":
        from cbvae_cli.report.progress import Progress
        from cbvae_cli.table.source import open_source
        from cbvae_cli.training.update import update
        from cbvae_cli.training.update_rows import read_arrival

        with open_source(data, reading.options(), reread=True) as source:
            talk.say(f"reading {source.name}")
            arrival = read_arrival(
                source,
                model.schema,
                self.of_class,
                drop_unlabelled=jobs.drop_unlabelled,
                max_memory=compute.max_memory,
            )
        for warning in arrival.warnings:
            talk.warn(warning)
        if jobs.positive is not None:
            arrival.label.place(jobs.positive)  # refused before the work, not after
        verb = "training class" if arrival.known else "adding class"
        talk.say(f"{verb} '{arrival.name}'")
        with Progress("training", talk) as progress:
            return update(
                model,
                arrival,
                _settings(model, given, compute.seed),
                device=compute.prepare(),
                observe=lambda epoch: progress.update(epoch.step, epoch.steps),
            )


def _check_same(model: "Model", label: str | None, given: Mapping[str, Any]) -> None:
    """Refuse what contradicts the bundle."""
    shape = model.family.nets.shape
    own = {
        "--label": (label, model.schema.label.name),
        "--model": (given.get("model"), model.family.name),
        "--preset": (given.get("preset"), model.settings.get("preset")),
        "--latent": (given.get("latent"), shape.latent),
        "--hidden": (given.get("hidden"), shape.hidden),
        "--neighbours": (given.get("neighbours"), model.settings.get("neighbours")),
        "--allow-stored-encodings": (
            KEPT if given.get("allow_stored_encodings") else None,
            KEPT if model.settings.get("allow_stored_encodings") else NONE_KEPT,
        ),
    }
    for flag, (asked, known) in own.items():
        if asked is not None and asked != known:
            text = ",".join(map(str, known)) if isinstance(known, tuple) else known
            raise UsageProblem(
                f"{flag} contradicts the bundle, which was trained with {text}",
                hint=f"leave {flag} out",
            )


def _settings(model: "Model", given: Mapping[str, Any], seed: int) -> "Settings":
    """Give the bundle's settings, with what may differ for one class."""
    from cbvae_cli.training.lineage import settings_of

    free = {name: given[name] for name in ("epochs", "mask") if given.get(name)}
    return dataclasses.replace(settings_of(model), **free, seed=seed)


def _with_positive(model: "Model", positive: str | None) -> "Model":
    if positive is None:
        return model
    label = model.schema.label
    label.place(positive)
    schema = dataclasses.replace(
        model.schema, label=dataclasses.replace(label, positive=positive)
    )
    return dataclasses.replace(model, schema=schema)


def _tell(model: "Model", old: "Model", talk: "Talk") -> None:
    """Show what the bundle holds, and what there is to know that was not before."""
    label = model.schema.label
    tell_schema(model.schema, talk)
    known = {*old.training["warnings"], *talk.warnings} - {model.approximate}
    for warning in model.training["warnings"]:
        if warning not in known:
            talk.warn(warning)
    if old.certificate is not None and model.certificate is None:
        talk.warn(
            "the new bundle does not answer classify --fpr, as the old one did: the "
            "bound was certified with the old classes; train on all rows at once to "
            "have it again"
        )
    tell_held_out(model.training["held_out"], talk)
    tell_positive(label.positive, threshold_of(model), talk)


def _summary(
    model: "Model", path: str, data: str | None, talk: "Talk"
) -> dict[str, Any]:
    label, training = model.schema.label, model.training
    step = training["updates"][-1]
    return {
        "bundle": path,
        "data": data,
        "updated": {"class": step["class"], "action": step["action"]},
        "replayed": step.get("replayed", []),
        "label": label.name,
        "classes": dict(zip(label.classes, label.counts, strict=True)),
        "positive": label.positive,
        "threshold": threshold_of(model),
        "certified": model.certificate is not None,
        "settings": training["settings"],
        "steps": training["steps"],
        "parts": training["parts"],
        "held_out": training["held_out"],
        "warnings": talk.warnings,
    }
