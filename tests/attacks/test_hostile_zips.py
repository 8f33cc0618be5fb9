"""Zips made to harm or mislead: foreign names, sizes that lie, what lies between."""

from __future__ import annotations

import pickle
import stat
import struct

import pytest

from cbvae_cli.bundle.container import (
    read_bundle,
    read_card,
    read_manifest,
    verify_bundle,
)
from tests.attacks.workshop import (
    NAMES,
    both,
    bundle,
    central,
    changed,
    compressed,
    info,
    named,
    refused,
    sound_bodies,
    zip64,
    zipped,
)


def end_record(field, value):
    return changed(len(bundle()) - 22 + field, value)


def between(gap):
    """A sound bundle with bytes behind its last entry, offsets put right."""
    body, start = bundle(), central(0)
    body = body[:start] + gap + body[start:]
    return changed(len(body) - 6, struct.pack("<L", start + len(gap)), body)


def without_order(*order):
    bodies = sound_bodies()
    return zipped((name, bodies.get(name, b"x")) for name in order)


def special(mode):
    bodies = sound_bodies()
    card = info("card.md", mode=mode)
    return zipped((card if n == "card.md" else n, bodies[n]) for n in NAMES)


ZIPS = {
    "an empty file": (lambda: b"", "is empty"),
    "a table": (lambda: b"age,outcome\n1,2\n", "not a cbvae bundle"),
    "a pickle": (lambda: pickle.dumps({"a": 1}), "not a cbvae bundle"),
    "an empty zip": (lambda: zipped([]), "empty zip"),
    "a zip of something else": (
        lambda: zipped([("word/document.xml", b"<w/>")]),
        "a zip, but not a cbvae bundle: its first entry is 'word/document.xml'",
    ),
    "only a beginning": (lambda: bundle()[:300], "cut short"),
    "a missing last byte": (lambda: bundle()[:-1], "cut short"),
    "a hole in the middle": (
        lambda: bundle()[:100] + bundle()[120:],
        "does not fill the file",
    ),
    "a fourth entry": (
        lambda: without_order(*NAMES, "extra.py"),
        "does not belong: 'extra.py'",
    ),
    "a folder entry": (lambda: without_order("x/", *NAMES), "does not belong"),
    "no card": (lambda: without_order(*NAMES[:2]), "lacks card.md"),
    "no manifest": (lambda: without_order(*NAMES[1:]), "lacks manifest.json"),
    "another order": (lambda: without_order(*NAMES[::-1]), "not in their order"),
    "a manifest twice": (
        lambda: without_order(*NAMES, "manifest.json"),
        "manifest.json more than once",
    ),
    "weights twice": (
        lambda: without_order("weights.safetensors", *NAMES),
        "weights.safetensors more than once",
    ),
    "a compressed manifest": (
        lambda: compressed("manifest.json"),
        "manifest.json in the bundle is compressed",
    ),
    "compressed weights": (lambda: compressed(NAMES[1]), "is compressed"),
    "a compressed card": (lambda: compressed("card.md"), "is compressed"),
    "a path upwards": (
        lambda: without_order(*NAMES, "../../.bashrc"),
        "points outside of it: '../../.bashrc'",
    ),
    "an absolute path": (lambda: without_order(*NAMES, "/etc/passwd"), "outside"),
    "a drive": (lambda: without_order(*NAMES, "C:\\x"), "points outside"),
    "backslashes upwards": (lambda: without_order(*NAMES, "..\\x"), "outside"),
    "a name with terminal codes": (
        lambda: without_order(*NAMES, "\x1b[2Jx"),
        r"does not belong: '\\x1b\[2Jx'",
    ),
    "a name with a NUL": (
        lambda: bundle().replace(b"card.md", b"card.m\0"),
        "does not belong",
    ),
    "a name of 60,000 letters": (
        lambda: without_order(*NAMES, "x" * 60_000),
        r"does not belong: 'x+\.\.\.'",
    ),
    "a name that is not UTF-8": (
        lambda: both(6, 8, struct.pack("<H", 0x800)).replace(
            b"manifest.json", b"manifest\xff\xfe\xff\xff\xff"
        ),
        "directory is damaged",
    ),
    "a symbolic link": (
        lambda: special(stat.S_IFLNK | 0o777),
        "card.md in the bundle is a symbolic link",
    ),
    "a device": (lambda: special(stat.S_IFCHR | 0o644), "not ours"),
    "a program that may run": (lambda: special(stat.S_IFREG | 0o4755), "not ours"),
    "an encrypted entry": (
        lambda: both(6, 8, struct.pack("<H", 1)),
        "manifest.json in the bundle is encrypted",
    ),
    "encrypted in one header only": (
        lambda: changed(6, struct.pack("<H", 1)),
        "two zip headers of manifest.json do not agree",
    ),
    "a data descriptor": (lambda: both(6, 8, struct.pack("<H", 8)), "do not agree"),
    "an odd compression": (lambda: both(8, 10, struct.pack("<H", 99)), "compressed"),
    "a newer zip version": (
        lambda: both(4, 6, struct.pack("<H", 9999)),
        "directory is damaged|do not agree",  # newer Pythons refuse it themselves
    ),
    "bytes behind": (lambda: bundle() + b"#!/bin/sh\n", "10 foreign bytes behind"),
    "bytes before": (lambda: b"#!/bin/sh\n" + bundle(), "before its first entry"),
    "a second bundle before": (lambda: bundle() + bundle(), "does not fill the file"),
    "bytes between entries": (lambda: between(b"hidden"), "directory is damaged"),
    "a comment": (lambda: end_record(20, b"\5\0") + b"hello", "behind its end"),
    "a comment that is not there": (
        lambda: end_record(20, b"\5\0"),
        "damaged|cut short",
    ),
    "sizes that differ": (
        lambda: changed(central(0) + 24, struct.pack("<L", 5)),
        "two different sizes",
    ),
    "a size of 4 GiB": (
        lambda: both(18, 20, b"\xff" * 8),
        "too large|directory is damaged",
    ),
    "weights beyond the file": (
        lambda: changed(central(1) + 20, struct.pack("<2L", 1 << 30, 1 << 30)),
        "does not lie where",
    ),
    "a shorter size in both headers": (
        lambda: both(18, 20, struct.pack("<2L", 10, 10)),
        "does not lie where",
    ),
    "a size in the local header only": (
        lambda: changed(18, struct.pack("<2L", 10, 10)),
        "do not agree",
    ),
    "an entry on top of another": (
        lambda: changed(central(1) + 42, struct.pack("<L", 0)),
        "does not lie where",
    ),
    "an entry behind the end": (
        lambda: changed(central(2) + 42, struct.pack("<L", 0x7FFF_FFFF)),
        "does not lie where",
    ),
    "another name in the local header": (
        lambda: changed(30, b"manifest.jsoN"),
        "do not agree",
    ),
    "another checksum in both headers": (
        lambda: both(14, 16, b"\0\0\0\0"),
        "manifest.json in the bundle is damaged",
    ),
    "several disks": (lambda: end_record(4, b"\1\0"), "several files"),
    "another number of entries": (lambda: end_record(8, b"\2\0\2\0"), "not ours"),
    "a directory that starts elsewhere": (
        lambda: end_record(16, b"\0\0\0\0"),
        "does not fill",
    ),
    "a directory of no length": (
        lambda: end_record(12, struct.pack("<2L", 0, len(bundle()) - 22)),
        "not a cbvae bundle",
    ),
    "two thousand entries": (
        lambda: zipped((f"{n}", b"") for n in range(2000)),
        "2000 entries",
    ),
    "a zip64 end": (zip64, "zip64"),
}


@pytest.mark.parametrize(("build", "sentence"), named(ZIPS))
def test_a_hostile_zip_is_refused_by_every_reader(build, sentence, path):
    path.write_bytes(build())
    for call in (read_manifest, read_bundle, read_card, verify_bundle):
        refused(call, path, sentence)
