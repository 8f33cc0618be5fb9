"""The zip around a bundle, read with no trust in a single number of it.

What the zip says of itself is read, the headers that the writer would have
written for that are made again, and the two are compared. Whatever can hide in
a zip (a second header with other sizes, bytes between entries, a comment, an
extra field) differs from these headers and is refused.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from typing import BinaryIO

from cbvae_cli.bundle.layout import (
    END,
    END_MARK,
    ENTRIES,
    LOCAL,
    LOCAL_MARK,
    MANIFEST,
    MOST_BYTES,
    Entry,
    directory,
    local_header,
    refuse_large,
)
from cbvae_cli.errors import BundleProblem

WHAT = "a bundle: one file, NAME.cbvae, that cbvae train writes"
MAKE = "make one with cbvae train DATA --label COL -o NAME.cbvae"

# Three entries need under 300 bytes of directory; a foreign zip may be listed
# up to here, so that its first odd entry can be named.
_LARGEST_DIRECTORY = 1 << 16
_LONGEST_COMMENT = 0xFFFF

# Stands right before the end record where it stands; zipfile would follow it.
_ZIP64_LOCATOR, _ZIP64_SIZE = b"PK\6\7", 20


def shown(text: object) -> str:
    """Quote a word from a file, short and without control characters."""
    quoted = ascii(text)
    return quoted if len(quoted) <= 80 else quoted[:76] + "...'"


def survey(file: BinaryIO) -> dict[str, Entry]:
    """Check the zip's structure and say where the entries lie.

    No content is read, and no size that the zip declares is used before it is
    known to agree with the file.

    Raises
    ------
    BundleProblem
        If a single byte outside the entries' contents is not as written by
        `write_archive`.
    """
    size = file.seek(0, 2)
    directory_start = _find_directory(file, size)
    listed = _listed(file)
    if not {info.orig_filename for info in listed} & {*ENTRIES}:
        _refuse_foreign(listed)
    entries = [_checked(info) for info in listed]
    _check_names([entry.name for entry in entries])
    _check_layout(file, entries, directory_start, size)
    return {entry.name: entry for entry in entries}


def contents(file: BinaryIO, entry: Entry) -> bytes:
    """Read one entry whole and check its CRC-32."""
    file.seek(entry.offset)
    body = file.read(entry.size)
    if len(body) != entry.size or zlib.crc32(body) != entry.crc:
        raise BundleProblem(f"{entry.name} in the bundle is damaged")
    return body


def leading_manifest(file: BinaryIO) -> bytes | None:
    """Read the manifest at the very start of a file that may be otherwise odd.

    A later format may have other entries; its manifest still comes first, so
    that a program which cannot read the rest can say which one can.
    """
    size = file.seek(0, 2)
    file.seek(0)
    head = file.read(LOCAL.size)
    if len(head) != LOCAL.size or not head.startswith(LOCAL_MARK):
        return None
    fields = LOCAL.unpack(head)
    entry = Entry(MANIFEST, 0, size=fields[8], crc=fields[6])
    if entry.end > size or entry.size > MOST_BYTES[MANIFEST]:
        return None
    if file.read(fields[9]) != MANIFEST.encode() or fields[3] or fields[10]:
        return None
    try:
        return contents(file, entry)
    except BundleProblem:
        return None


def _find_directory(file: BinaryIO, size: int) -> int:
    """Read the end record and say where the central directory starts."""
    if size == 0:
        raise BundleProblem("the bundle is empty")
    file.seek(0)
    head = file.read(4)
    reach = min(size, END.size + _LONGEST_COMMENT)
    file.seek(size - reach)
    tail = file.read(reach)
    # The end record itself may hold these four bytes, as an offset.
    at_end = tail[-END.size :].startswith(END_MARK)
    found = len(tail) - END.size if at_end else tail.rfind(END_MARK)
    if head != LOCAL_MARK:
        _refuse_start(head, found)
    if found < 0 or len(tail) - found < END.size:
        raise BundleProblem("the bundle is cut short: its end is missing")
    behind = len(tail) - found - END.size
    if behind:
        raise BundleProblem(f"the bundle has {behind} foreign bytes behind its end")
    _, disk, first, here, count, length, start, _ = END.unpack(tail[found:])
    if disk or first or here != count:
        raise BundleProblem("the bundle's zip is split over several files")
    if tail[:found][-_ZIP64_SIZE:].startswith(_ZIP64_LOCATOR):
        raise BundleProblem("the bundle's zip has the zip64 form; no bundle has")
    if start + length != size - END.size:
        raise BundleProblem(
            "the bundle's zip does not fill the file: bytes are missing or foreign"
        )
    if length > _LARGEST_DIRECTORY or not length:
        raise BundleProblem(f"the file is a zip of {count} entries, not a cbvae bundle")
    return int(start)


def _refuse_start(head: bytes, end_found: int) -> None:
    if head == END_MARK:
        raise BundleProblem("the file is an empty zip, not a cbvae bundle")
    if end_found >= 0:
        raise BundleProblem("the bundle has foreign bytes before its first entry")
    raise BundleProblem("the file is not a cbvae bundle", expected=WHAT, hint=MAKE)


def _listed(file: BinaryIO) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.infolist()
    # zipfile lets several kinds out on hostile directories, by Python version.
    except (
        zipfile.BadZipFile,
        NotImplementedError,  # of a compression or flag that it does not know
        RuntimeError,
        ValueError,
        OverflowError,
        EOFError,
        OSError,
        struct.error,
    ):
        raise BundleProblem("the bundle's zip directory is damaged") from None


def _checked(info: zipfile.ZipInfo) -> Entry:
    """Name what is wrong with one listed entry, or say where it lies."""
    name = info.orig_filename
    if name not in ENTRIES:
        _refuse_name(name)
    if info.flag_bits & 0x1:
        raise BundleProblem(f"{name} in the bundle is encrypted")
    if info.compress_type != zipfile.ZIP_STORED:
        raise BundleProblem(f"{name} in the bundle is compressed; no bundle is")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise BundleProblem(f"{name} in the bundle is a symbolic link")
    if info.compress_size != info.file_size:
        raise BundleProblem(f"{name} in the bundle is given two different sizes")
    refuse_large(name, info.file_size)
    return Entry(name, info.header_offset, info.file_size, info.CRC)


def _refuse_foreign(listed: list[zipfile.ZipInfo]) -> None:
    """Refuse a zip that has no entry of a bundle."""
    first = f": its first entry is {shown(listed[0].orig_filename)}" if listed else ""
    raise BundleProblem(
        f"the file is a zip, but not a cbvae bundle{first}",
        expected=WHAT,
        hint=MAKE,
    )


def _refuse_name(name: str) -> None:
    parts = name.replace("\\", "/").split("/")
    if ".." in parts or parts[0] == "" or ":" in parts[0]:
        raise BundleProblem(
            f"the bundle holds an entry that points outside of it: {shown(name)}",
            hint="do not unpack this file; ask its maker for a sound one",
        )
    raise BundleProblem(
        f"the bundle holds an entry that does not belong: {shown(name)}",
        expected=", ".join(ENTRIES),
    )


def _check_names(names: list[str]) -> None:
    for name in ENTRIES:
        if names.count(name) > 1:
            raise BundleProblem(f"the bundle holds {name} more than once")
        if name not in names:
            raise BundleProblem(f"the bundle lacks {name}")
    if tuple(names) != ENTRIES:
        raise BundleProblem(
            "the bundle's entries are not in their order", expected=", ".join(ENTRIES)
        )


def _check_layout(
    file: BinaryIO, entries: list[Entry], directory_start: int, size: int
) -> None:
    """Compare every byte outside the contents with what a writer writes."""
    position = 0
    for entry in entries:
        if entry.header_offset != position or entry.end > directory_start:
            raise BundleProblem(
                f"{entry.name} does not lie where the bundle's zip says it does"
            )
        file.seek(position)
        header = local_header(entry)
        if file.read(len(header)) != header:
            raise BundleProblem(
                f"the two zip headers of {entry.name} do not agree, "
                "or were not written by cbvae"
            )
        position = entry.end
    file.seek(directory_start)
    if position != directory_start or file.read(size) != directory(entries):
        raise BundleProblem("the bundle's zip directory is damaged or not ours")
