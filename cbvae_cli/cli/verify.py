"""`cbvae verify`: look for damage in a bundle."""

from cbvae_cli.cli.groups import Telling, spread
from cbvae_cli.cli.options import BundleIn


@spread
def verify(bundle: BundleIn, *, telling: Telling) -> None:
    """Check every size and digest of a bundle.

    Finds damage, not forgery: whoever can write the file can write its digests.

    Example: cbvae verify fraud.cbvae
    """
    from cbvae_cli.bundle.container import verify_bundle
    from cbvae_cli.bundle.store import resolve
    from cbvae_cli.report.machine import emit

    talk = telling.talk_only()
    found = verify_bundle(resolve(bundle))
    talk.say(f"whole: {found['tensors']} tensors, {found['bytes']:,} bytes")
    emit(found, "verify", telling.json)
