"""Reading what the program has packed."""

from __future__ import annotations

from tarfile import TarFile, TarInfo


def read_member(archive: TarFile, member: str | TarInfo) -> bytes:
    """Return the content of a member, which must be a file."""
    file = archive.extractfile(member)
    assert file is not None
    return file.read()
