"""Named sets of training settings."""

from __future__ import annotations

from cbvae_cli.records import Settings

# `paper`: the class-based VAE paper's algorithm as written (section 3): noise in
# hidden cells, squared error, the same settings for both families. It names no
# sizes beyond the latent ones and the hidden cells (2, 5, 14 of 28), so the others
# are the sound version's.
PRESETS = {
    "default": Settings(),
    "fast": Settings(
        preset="fast", members=1, steps=800, joint_steps=300, filler_steps=600
    ),
    "best": Settings(
        preset="best", members=10, steps=1500, joint_steps=600, search=True
    ),
    "paper": Settings(
        preset="paper",
        latent=10,
        mask=2,
        noise=True,
        scale="standard",
        unit_deviation=True,
        steps=1200,
        batch=256,
        members=1,
        joint_steps=0,
        filler_steps=0,
    ),
}
