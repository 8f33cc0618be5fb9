"""What a user of `cbvae augment` asks for, and what cannot be together."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbvae_cli.errors import UsageProblem

if TYPE_CHECKING:
    from cbvae_cli.answers.model import Model


AUTO = "auto"


@dataclass(frozen=True)
class Order:
    """What a user asks for; see the options of `cbvae_cli.cli.augment`."""

    bundle: str
    output: str | None
    n: int | None
    of_class: str | None
    balance: bool
    ratio: str | float | None
    method: str | None
    toward: str | None
    data: str | None
    keep_gaps: bool
    with_original: bool
    prefix: str
    gate: str | None
    privacy: bool
    held_out: str | None

    def check(self) -> None:
        """Refuse what cannot be together."""
        if (self.n is None) is not self.balance:
            both = "-n and --balance exclude each other"
            raise UsageProblem(
                both if self.balance else "how many rows are to be made is not said",
                expected="either -n N or --balance",
            )
        if _same_file(self.gate, self.data):
            raise UsageProblem(
                "--gate names the rows that are trained on",
                where=str(self.gate),
                expected="labelled rows that neither the bundle nor --data has seen",
                hint="hold some rows back before training, and train without them",
            )
        if self.ratio is not None and not self.balance:
            raise UsageProblem(
                "--ratio says how far --balance goes",
                expected="--ratio together with --balance",
            )
        if self.toward is not None and self.method != "interpolate":
            raise UsageProblem(
                "--toward says where the way between two rows leads",
                expected="--toward with --method interpolate",
            )
        if self.held_out is not None and not self.privacy:
            raise UsageProblem(
                "--held-out names rows that --privacy compares with",
                expected="--held-out together with --privacy",
            )
        for flag, asked in (
            (f"--method {self.method}", self.method in ("posterior", "interpolate")),
            ("--balance", self.balance),
            ("--with-original", self.with_original),
            ("--gate", self.gate is not None),
            ("--privacy", self.privacy),
        ):
            if asked and self.data is None:
                raise UsageProblem(
                    f"{flag} needs the rows that the bundle was trained on",
                    expected="--data with the training table",
                    hint="add --data TABLE",
                )

    @property
    def usual_method(self) -> str:
        """Give the method where none is named.

        Rows that are to teach classifiers do so best where classes meet. An amount is
        chosen on rows that nothing behind the made ones has seen: members that are
        blind to them draw, but what finds the boundary has seen them all.
        """
        return "boundary" if self.balance and self.ratio != AUTO else "prior"

    def places(self, model: "Model") -> list[int]:
        """Give the classes that are made."""
        label = model.schema.label
        if self.of_class is not None:
            return [label.place(self.of_class)]
        return [*range(len(label.classes))] if self.balance else [label.smallest]


def _same_file(one: str | None, other: str | None) -> bool:
    if one is None or other is None:
        return False
    return one == other or (
        os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)
    )
