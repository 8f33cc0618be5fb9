"""Options of `train` that some models have and others have not."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from cbvae_cli.errors import UsageProblem

Balanced = Annotated[
    bool,
    typer.Option(
        "--balanced",
        help="All models but cbvae: batches hold as many rows of each class.",
    ),
]
Gamma = Annotated[
    float | None,
    typer.Option(
        "--gamma",
        min=0,
        max=1e6,
        metavar="W",
        help="clvae: weight of the reconstruction in the loss.  [default: 1]",
    ),
]
Beta = Annotated[
    float | None,
    typer.Option(
        "--beta",
        min=0,
        max=1e6,
        metavar="W",
        help="clvae: weight of the divergence from the class's prior.  [default: 1]",
    ),
]
Mu = Annotated[
    float | None,
    typer.Option(
        "--mu",
        min=0,
        max=10,
        metavar="DISTANCE",
        help="dvae and dvaan: how far from 0 the classes' priors lie; with dvaan only "
        "to start with.  [default: 3]",
    ),
]
FixedMu = Annotated[
    bool, typer.Option("--fixed-mu", help="dvaan: mu stays where it starts.")
]
NoSupport = Annotated[
    bool,
    typer.Option(
        "--no-support",
        help="dvaan: no made rows near the boundary of classes join the training.",
    ),
]
PaperDiscriminator = Annotated[
    bool,
    typer.Option(
        "--paper-discriminator",
        help="dvaan: the discriminator learns from reconstructions and rows drawn "
        "from the priors alone, as in the paper, and never sees a real row.",
    ),
]


# What the families' own `options` say; to ask them would load torch.
_DVAAN = ("dvaan",)
MODELS_WITH = {
    "balanced": ("vae", "cvae", "clvae", "dvae", "dvaan"),
    "gamma": ("clvae",),
    "beta": ("clvae",),
    "mu": ("dvae", "dvaan"),
    "fixed_mu": _DVAAN,
    "support": _DVAAN,
    "paper_discriminator": _DVAAN,
}


@dataclass(frozen=True)
class Variants:
    """How a model departs from its usual form."""

    balanced: Balanced = False
    gamma: Gamma = None
    beta: Beta = None
    mu: Mu = None
    fixed_mu: FixedMu = False
    no_support: NoSupport = False
    paper_discriminator: PaperDiscriminator = False

    def settings(self, model: str) -> Mapping[str, Any]:
        """Give what was asked for, as fields of `Settings`.

        Raises
        ------
        UsageProblem
            For what the model does not have.
        """
        found: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None and value is not False:
                found[field.name] = value
        if found.pop("no_support", False):
            found["support"] = False
        for name in found:
            if model not in MODELS_WITH[name]:
                raise UsageProblem(
                    f"{_flag(name)} has no meaning for --model {model}",
                    expected="--model " + " or ".join(MODELS_WITH[name]),
                )
        return found


def _flag(name: str) -> str:
    return "--no-support" if name == "support" else f"--{name.replace('_', '-')}"
