"""`cbvae upgrade`: bring an old bundle to the current format."""

from typing import Annotated

import typer

from cbvae_cli.cli.groups import Telling, spread
from cbvae_cli.cli.options import BundleIn, Force

NewBundle = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="The file to write, NAME.cbvae; a store takes none.  [default: in place]",
    ),
]


@spread
def upgrade(
    bundle: BundleIn,
    output: NewBundle = None,
    force: Force = False,
    *,
    telling: Telling,
) -> None:
    """Bring an old bundle to the current format.

    In place, or to the file that -o names; a bundle that already is current is copied
    there byte for byte. Of a store one bundle is upgraded: models/ means the newest.

    Example: cbvae upgrade old.cbvae -o new.cbvae
    """
    from cbvae_cli.bundle.renewal import upgrade_bundle
    from cbvae_cli.bundle.store import resolve
    from cbvae_cli.bundle.target import check_name
    from cbvae_cli.report.machine import emit

    talk = telling.talk_only()
    if output is not None:
        check_name(output)
    found = upgrade_bundle(resolve(bundle), output=output, force=force)
    if found["changed"]:
        talk.say(f"brought from format {found['from']} to {found['format']}")
    else:
        talk.say(f"already current, in format {found['format']}")
    if "path" in found:
        talk.say(f"wrote {found['path']}")
    emit(found, "upgrade", telling.json)
