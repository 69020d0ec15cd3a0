"""Unpacks a bundle where Ansible is to read it."""

from __future__ import annotations

import os
import tarfile
from io import BytesIO
from pathlib import Path
from typing import IO, Final

from craton.bundles import manifest
from craton.bundles.files import CHUNK
from craton.bundles.tgz import MODE
from craton.errors import BackendFault

_DIRECTORY_MODE: Final = 0o700


def unpack(bundle: bytes | IO[bytes], directory: Path) -> None:
    """Unpack a ``.tgz`` of a region into a directory, which only its owner can enter then.

    A member has the mode that the archive says, from its first byte on: a secret is never
    readable by others.

    Args:
        bundle: The archive, or a file that is read from where it stands.
        directory: Where to; it is made if it is not there.

    Raises:
        BackendFault: The archive is broken or not whole, or holds what no bundle holds: a link, a
            device, a name that would leave the directory, two members of one name.
        OSError: There is no room, for instance.
    """
    directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    directory.chmod(_DIRECTORY_MODE)
    source = BytesIO(bundle) if isinstance(bundle, bytes) else bundle
    try:
        with tarfile.open(fileobj=source, mode="r|gz") as archive:
            for member in archive:
                _extract(archive, member, directory)
    except (tarfile.TarError, EOFError, FileExistsError, NotADirectoryError, ValueError) as error:
        raise BackendFault(f"the bundle cannot be unpacked: {error}") from error
    if not (directory / manifest.NAME).exists():
        raise BackendFault("the bundle is not whole: its manifest, which comes last, is missing")


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, directory: Path) -> None:
    mode = member.mode & MODE
    member = tarfile.data_filter(member, str(directory))
    content = archive.extractfile(member) if member.isreg() else None
    if content is None:
        raise tarfile.ExtractError(f"{member.name!r} is no plain file")
    path = directory / member.name
    path.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        while piece := content.read(CHUNK):
            file.write(piece)
