"""Text read in blocks of checked UTF-8, with the line of whatever is wrong."""

from __future__ import annotations

import codecs
from typing import Any, BinaryIO, Protocol

import pyarrow as pa

from cbvae_cli.errors import DataProblem, UsageProblem
from cbvae_cli.table.wording import shown

UTF8_BOM = codecs.BOM_UTF8
UTF16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Readable(Protocol):
    """Anything bytes can be read from."""

    def read(self, size: int, /) -> bytes:
        """Give up to `size` bytes, none at the end."""
        ...


def line_ends(text: bytes) -> int:
    r"""Count line ends in `text`: `\n`, `\r\n` and a `\r` on its own."""
    count = text.count(b"\n")
    if b"\r" in text:
        count += text.count(b"\r") - text.count(b"\r\n")
    return count


def unpacked(raw: BinaryIO, codec: str | None) -> Readable:
    """Wrap `raw` so that reading undoes the compression `codec`."""
    if codec is None:
        return raw
    stream: Readable = pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), codec)
    return stream


def check_encoding(encoding: str) -> str:
    """Give Python's own name of a text encoding.

    Raises
    ------
    UsageProblem
        If there is no such encoding of text.
    """
    try:
        found = codecs.lookup(encoding)
    except LookupError:
        found = None
    # Python also keeps bytes-to-bytes codecs ("zlib") in the same registry.
    if found is None or not getattr(found, "_is_text_encoding", True):
        raise UsageProblem(
            f"there is no text encoding called {encoding!r}",
            expected="a name such as utf-8, utf-16, latin-1 or cp1252",
            hint="give another --encoding",
        )
    return found.name


class TextBlocks:
    """A byte stream as blocks of valid UTF-8 without NUL bytes.

    Parameters
    ----------
    stream : Readable
        Bytes, already unpacked.
    encoding : str
        What the bytes are written in.
    label : str
        What messages call the stream.
    """

    def __init__(self, stream: Readable, encoding: str, label: str) -> None:
        self._stream = stream
        self._encoding = check_encoding(encoding)
        self._is_utf8 = self._encoding in ("utf-8", "utf-8-sig")
        # Typed loosely: CPython's decoders carry state that mypy's stub hides.
        self._decoder: Any = codecs.getincrementaldecoder(
            "utf-8" if self._is_utf8 else self._encoding
        )("strict")
        self._label = label
        self._lines = 0
        self._after_return = False
        self._at_start = True
        self._ended = False

    def read(self, size: int) -> bytes:
        """Give the next block, about `size` bytes long; empty at the end only.

        A block may end inside a character; blocks joined are valid UTF-8.

        Raises
        ------
        DataProblem
            On bytes that are not in the encoding, NUL bytes, damaged packing.
        """
        while not self._ended:
            raw = self._raw(size)
            self._ended = not raw
            text = self._checked(raw)
            if text:
                self._count(text)
                return text
        return b""

    def _raw(self, size: int) -> bytes:
        try:
            return self._stream.read(size)
        except (OSError, pa.ArrowException) as error:
            raise DataProblem(
                f"{self._label} is damaged or cut short",
                where=f"{self._label}, after line {self._lines}: {error}",
                expected="a file that can be read to its end",
                hint="fetch or write the file again",
            ) from error

    def _checked(self, raw: bytes) -> bytes:
        if self._at_start and raw:
            self._refuse_utf16(raw)
        try:
            text = self._decoded(raw)
        except UnicodeDecodeError as error:
            raise self._undecodable(error) from error
        except UnicodeError as error:  # UTF-16 without its mark, half a character
            raise self._not_written_in(
                f"line {self._lines + 1}: {shown(error)}", "give another --encoding"
            ) from error
        if self._at_start and text:
            self._at_start = False
            text = text.removeprefix(UTF8_BOM)
        at = text.find(b"\0")
        if at >= 0:
            line = self._lines + line_ends(text[:at]) + 1
            raise DataProblem(
                f"{self._label} holds a NUL byte, so it is not a text table",
                where=f"{self._label}, line {line}",
                expected=f"text in {self._encoding}",
                hint="name the right --in-format, or --encoding utf-16",
            )
        return text

    def _decoded(self, raw: bytes) -> bytes:
        if not self._is_utf8:
            decoded: str = self._decoder.decode(raw, not raw)
            return decoded.encode()
        # Decoding is only a check here; ASCII between whole characters needs none.
        if raw and raw.isascii() and not self._decoder.getstate()[0]:
            return raw
        self._decoder.decode(raw, not raw)
        return raw

    def _refuse_utf16(self, raw: bytes) -> None:
        if self._is_utf8 and raw.startswith(UTF16_BOMS):
            raise DataProblem(
                f"{self._label} is written in UTF-16, not in UTF-8",
                where=f"{self._label}, line 1",
                expected="text in utf-8",
                hint="add --encoding utf-16",
            )

    def _undecodable(self, error: UnicodeDecodeError) -> DataProblem:
        before = error.object[: error.start]
        line = self._lines + line_ends(before) + 1
        byte = error.object[error.start]
        hint = "add --encoding latin-1" if self._is_utf8 else "give another --encoding"
        return self._not_written_in(f"line {line}: byte 0x{byte:02x}", hint)

    def _not_written_in(self, place: str, hint: str) -> DataProblem:
        return DataProblem(
            f"{self._label} is not written in {self._encoding}",
            where=f"{self._label}, {place}",
            expected=f"text in {self._encoding}",
            hint=f"{hint} (or the encoding that the file really has)",
        )

    def _count(self, text: bytes) -> None:
        # A line end may be split between two blocks.
        split = self._after_return and text.startswith(b"\n")
        self._lines += line_ends(text) - split
        self._after_return = text.endswith(b"\r")
