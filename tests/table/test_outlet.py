"""Writing all of it, whatever the file takes at a time."""

from __future__ import annotations

import io

from cbvae_cli.table.outlet import Outlet


class Narrow(io.RawIOBase):
    """An unbuffered file that takes three bytes at most."""

    def __init__(self):
        self.taken = b""

    def writable(self):
        return True

    def write(self, data):
        part = bytes(data[:3])
        self.taken += part
        return len(part)


def test_an_unbuffered_file_gets_all_bytes():
    file = Narrow()
    assert Outlet(file).write(b"every single byte") == 17
    assert file.taken == b"every single byte"


def test_nothing_is_written_after_a_stop():
    file = Narrow()
    outlet = Outlet(file)
    outlet.stop()
    assert outlet.write(b"late") == 4
    assert file.taken == b""
