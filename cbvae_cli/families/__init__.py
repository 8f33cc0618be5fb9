"""What stands for the classes: model families behind one contract."""

from __future__ import annotations

from importlib import import_module

from cbvae_cli.families.contract import Family

FAMILIES = {
    "cbvae": "cbvae_cli.families.cbvae:ClassVAE",
    "vae": "cbvae_cli.families.vae:PooledVAE",
    "cvae": "cbvae_cli.families.cvae:ConditionedVAE",
    "clvae": "cbvae_cli.families.clvae:ClassLatentVAE",
    "dvae": "cbvae_cli.families.dvae:DiscriminativeVAE",
    "dvaan": "cbvae_cli.families.dvaan:AdversarialFamily",
}


def family_class(name: str) -> type[Family]:
    """Look a family up by name."""
    module, _, attribute = FAMILIES[name].partition(":")
    found: type[Family] = getattr(import_module(module), attribute)
    return found
