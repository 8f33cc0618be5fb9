"""Latent coordinates of every family: what they hang on, and the way back."""

from __future__ import annotations

import numpy as np
import torch

from cbvae_cli.calibration.atlas import spaces_of
from cbvae_cli.calibration.clusters import in_common
from cbvae_cli.evidence import embed_rows, take
from cbvae_cli.table.matrix import Encoded


def some(fitted, n_rows=60):
    return take(fitted.encoded, np.arange(n_rows))


def test_coordinates_do_not_move_when_hidden_cells_are_garbled(fitted):
    family, encoded = fitted.model.family, some(fitted)
    observed = encoded.observed.copy()
    observed[:, 0] = False
    garbled = encoded.matrix.copy()
    garbled[:, family.layout.blocks[0]] = 7.0
    at, moved = (
        embed_rows(family, Encoded(matrix, observed, encoded.novel), 0)
        for matrix in (encoded.matrix, garbled)
    )
    assert at.shape == (60, family.nets.latent)
    np.testing.assert_array_equal(at, moved)


def test_where_the_space_is_shared_no_class_is_told(fitted):
    family, encoded = fitted.model.family, some(fitted)
    first, second = (embed_rows(family, encoded, place) for place in (0, 1))
    assert np.array_equal(first, second) == family.shares_latent
    common = in_common(family.member(0), encoded)
    assert common.shape == (60, spaces_of(family) * family.nets.latent)
    np.testing.assert_allclose(common[:, : first.shape[1]], first, atol=1e-5)


def test_a_member_alone_finds_rows_where_it_finds_them_among_others(fitted):
    family, encoded = fitted.model.family, some(fitted)
    last = family.n_members - 1
    alone = family.member(last)
    for place in range(family.n_classes):
        one, other = (
            embed_rows(family, encoded, place, last),
            embed_rows(alone, encoded, place),
        )
        np.testing.assert_allclose(one, other, atol=1e-5)
        np.testing.assert_allclose(
            family.prior_mean(place, last), alone.prior_mean(place), atol=1e-6
        )


def test_latent_points_decode_to_what_is_drawn_there_on_average(fitted):
    family, rng = fitted.model.family, np.random.default_rng(0)
    z = torch.zeros(4_000, family.nets.latent)
    # The matrix holds a count's root or log, whose mean is not that of the mean.
    plain = np.array([name != "count" for name in family.layout.likelihoods])
    plain = plain[family.layout.owner]
    for place in range(family.n_classes):
        belief = family.expect_at(z[:2], place)
        assert belief.mean.shape == (2, family.layout.width)
        drawn = family.draw_from(z, place, rng).mean(axis=0)
        slack = 0.02 + 5 * belief.deviation[0] / np.sqrt(len(z))
        assert (np.abs(drawn - belief.mean[0]) <= slack)[plain].all()


def test_every_model_has_landmarks_and_clusters(fitted):
    atlas, family = fitted.model.atlas, fitted.model.family
    marks = atlas.landmarks
    assert marks.classes.shape == (spaces_of(family), 3, family.nets.latent)
    assert np.isfinite(marks.classes).all()
    assert atlas.clusters.centres.shape[1] == marks.classes.size // 3
    at = in_common(family.member(0), fitted.encoded)
    gaps = np.abs(at[:, None] - atlas.clusters.centres).max(axis=2)
    assert gaps.min() > 1e-6  # no centre is a row
