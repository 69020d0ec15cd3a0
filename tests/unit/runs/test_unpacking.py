"""A bundle is unpacked as it was packed, and nothing else is."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from craton.bundles import tgz
from craton.bundles.member import Member
from craton.errors import BackendFault
from craton.runs.unpacking import unpack


def packed(*members: tuple[str, bytes, bool]) -> bytes:
    """A bundle of these members: names, contents, and whether they are secret."""

    def contents() -> object:
        for name, content, secret in (*members, ("manifest.json", b"{}", False)):
            digest = hashlib.sha256(content).digest()
            yield Member(name, len(content), digest, 0, sealed=int(secret)), iter([content])

    return b"".join(tgz.archive(contents()))  # type: ignore[arg-type]


def hostile(**changes: object) -> bytes:
    """An archive with one member that no bundle has."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        member = tarfile.TarInfo("hosts")
        for name, value in changes.items():
            setattr(member, name, value)
        archive.addfile(member)
        archive.addfile(tarfile.TarInfo("manifest.json"))
    return file.getvalue()


def test_members_have_their_content_and_their_modes(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    long = "host_vars/" + "x" * 200
    bundle = packed(
        ("hosts", b"{}", False), ("secrets/web/key", b"hunter2", True), (long, b"long", False)
    )
    unpack(bundle, target)
    assert (target / "hosts").read_bytes() == b"{}"
    assert (target / "secrets/web/key").read_bytes() == b"hunter2"
    assert (target / long).read_bytes() == b"long"
    assert (target / "secrets/web/key").stat().st_mode & 0o777 == 0o600
    assert (target / "hosts").stat().st_mode & 0o133 == 0
    assert target.stat().st_mode & 0o777 == 0o700


def test_a_file_is_read_in_pieces(tmp_path: Path) -> None:
    content = bytes(range(256)) * 4096
    unpack(io.BytesIO(packed(("hosts", content, False))), tmp_path / "bundle")
    assert (tmp_path / "bundle/hosts").read_bytes() == content


@pytest.mark.parametrize(
    "bundle",
    [
        hostile(name="../outside"),
        hostile(name="secrets/../../outside"),
        hostile(name="/outside/../../../../outside"),
        hostile(type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        hostile(type=tarfile.SYMTYPE, linkname="manifest.json"),
        hostile(type=tarfile.LNKTYPE, linkname="manifest.json"),
        hostile(type=tarfile.FIFOTYPE),
        hostile(type=tarfile.CHRTYPE),
        hostile(type=tarfile.DIRTYPE),
        hostile(name="manifest.json"),
        packed(("hosts", b"{}", False), ("hosts", b"{}", False)),
        packed(("hosts", b"{}", False), ("hosts/below", b"{}", False)),
        packed(("hosts", b"x" * 5000, False))[:-300],
        packed()[:20],
        b"",
        b"no archive",
    ],
    # Not the bytes: they hold the time at which they were packed.
    ids=range(16),
)
def test_what_no_bundle_holds_is_refused(tmp_path: Path, bundle: bytes) -> None:
    with pytest.raises(BackendFault):
        unpack(bundle, tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_link_that_stands_in_the_way_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "bundle"
    target.mkdir()
    (target / "hosts").symlink_to(tmp_path / "outside")
    with pytest.raises(BackendFault):
        unpack(packed(("hosts", b"{}", False)), target)
    assert not (tmp_path / "outside").exists()
