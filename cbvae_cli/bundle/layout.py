"""The zip that a bundle is: one layout, to the byte.

Uncompressed, in a fixed order, with fixed times and attributes: the same
contents give the same file, whatever the machine and the Python.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from cbvae_cli.errors import BundleProblem

MANIFEST, WEIGHTS, CARD = "manifest.json", "weights.safetensors", "card.md"
ENTRIES = (MANIFEST, WEIGHTS, CARD)

# A manifest or a card is read into memory whole, so both have a ceiling. The
# weights have none of their own: they are at most the file, which stays below
# the 4 GiB where a zip changes its form (zip64).
MOST_BYTES = {MANIFEST: 64 << 20, CARD: 16 << 20}
LARGEST_FILE = 0xFFFF_FFFE

LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
END = struct.Struct("<4s4H2LH")
LOCAL_MARK, _CENTRAL_MARK, END_MARK = b"PK\3\4", b"PK\1\2", b"PK\5\6"

_ZIP_VERSION = 20
_MADE_ON_UNIX = (3 << 8) | _ZIP_VERSION
_MIDNIGHT, _NEW_YEAR_1980 = 0, (1 << 5) | 1
_PLAIN_FILE = (stat.S_IFREG | 0o644) << 16


@dataclass(frozen=True)
class Entry:
    """Where one entry's bytes lie in the file, and their CRC-32."""

    name: str
    header_offset: int
    size: int
    crc: int

    @property
    def offset(self) -> int:
        """First byte of the contents."""
        return self.header_offset + LOCAL.size + len(self.name)

    @property
    def end(self) -> int:
        """First byte behind the contents."""
        return self.offset + self.size


def local_header(entry: Entry) -> bytes:
    """Give the header that stands before an entry's bytes."""
    name = entry.name.encode("ascii")
    common = (_ZIP_VERSION, 0, 0, _MIDNIGHT, _NEW_YEAR_1980)
    sizes = (entry.crc, entry.size, entry.size, len(name), 0)
    return LOCAL.pack(LOCAL_MARK, *common, *sizes) + name


def directory(entries: Iterable[Entry]) -> bytes:
    """Give the central directory and the end record behind the last entry."""
    records, count, start = b"", 0, 0
    for entry in entries:
        name = entry.name.encode("ascii")
        common = (_ZIP_VERSION, 0, 0, _MIDNIGHT, _NEW_YEAR_1980)
        sizes = (entry.crc, entry.size, entry.size, len(name), 0, 0, 0, 0)
        records += _CENTRAL.pack(
            _CENTRAL_MARK,
            _MADE_ON_UNIX,
            *common,
            *sizes,
            _PLAIN_FILE,
            entry.header_offset,
        )
        records += name
        count, start = count + 1, entry.end
    end = END.pack(END_MARK, 0, 0, count, count, len(records), start, 0)
    return records + end


def write_archive(file: BinaryIO, contents: Mapping[str, bytes]) -> None:
    """Write the three entries, uncompressed and in order, from where `file` is.

    Raises
    ------
    BundleProblem
        If an entry, or all of them, are larger than a reader would take.
    """
    entries, position = [], 0
    for name in ENTRIES:
        body = contents[name]
        refuse_large(name, len(body))
        entry = Entry(name, position, len(body), zlib.crc32(body))
        entries.append(entry)
        position = entry.end
    behind = directory(entries)
    if position + len(behind) > LARGEST_FILE:
        raise BundleProblem(
            "the model is too large for a bundle",
            expected="less than 4 GiB of weights",
            hint="train with fewer members, or with smaller --hidden layers",
        )
    for entry in entries:
        file.write(local_header(entry))
        file.write(contents[entry.name])
    file.write(behind)


def refuse_large(name: str, size: int) -> None:
    """Hold an entry to its ceiling, in writing and in reading."""
    most = MOST_BYTES.get(name)
    if most is not None and size > most:
        raise BundleProblem(
            f"{name} in the bundle is too large: {size} bytes",
            expected=f"at most {most >> 20} MiB",
        )
