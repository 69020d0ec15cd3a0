"""What is told of a payload: what ssh-keygen and OpenSSL say of it, and never the private half."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from craton.errors import InvalidValue
from craton.secrets import MAX_PAYLOAD, Description, describe

PASSPHRASE = "open sesame"


def run(*command: str | Path, cwd: Path) -> str:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def ssh_key(directory: Path, kind: str, form: str, passphrase: str = "") -> tuple[bytes, str, int]:
    """Make a key; return it, its fingerprint and its bits as ssh-keygen has them."""
    bits = ["-b", "2048"] if kind == "rsa" else []
    command = ("ssh-keygen", "-q", "-t", kind, *bits, "-m", form, "-N", passphrase, "-f", "key")
    run(*command, cwd=directory)
    size, fingerprint, *_ = run("ssh-keygen", "-l", "-f", "key.pub", cwd=directory).split()
    return (directory / "key").read_bytes(), fingerprint, int(size)


def openssl(directory: Path, *arguments: str) -> bytes:
    return run("openssl", *arguments, cwd=directory).encode()


def blocks(description: Description) -> list[dict[str, Any]]:
    shown = description.details["blocks"]
    assert isinstance(shown, list)
    return shown  # type: ignore[return-value]


@pytest.mark.parametrize("passphrase", ["", PASSPHRASE], ids=["clear", "encrypted"])
@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
def test_an_openssh_key_has_the_fingerprint_that_ssh_keygen_prints(
    tmp_path: Path, kind: str, passphrase: str
) -> None:
    payload, fingerprint, bits = ssh_key(tmp_path, kind, "RFC4716", passphrase)
    assert blocks(describe(payload, "pem")) == [
        {
            "type": "private key",
            "algorithm": "ec" if kind == "ecdsa" else kind,
            "bits": bits,
            "fingerprint": fingerprint,
            "encrypted": bool(passphrase),
        }
    ]


@pytest.mark.parametrize("form", ["PEM", "PKCS8"])
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_an_openssl_key_has_the_fingerprint_that_ssh_keygen_prints(
    tmp_path: Path, kind: str, form: str
) -> None:
    payload, fingerprint, bits = ssh_key(tmp_path, kind, form)
    [shown] = blocks(describe(payload, "pem"))
    assert (shown["fingerprint"], shown["bits"]) == (fingerprint, bits)
    assert not shown["encrypted"]


@pytest.mark.parametrize("form", ["PEM", "PKCS8"])
def test_an_encrypted_openssl_key_is_not_decrypted(tmp_path: Path, form: str) -> None:
    payload, *_ = ssh_key(tmp_path, "rsa", form, PASSPHRASE)
    assert blocks(describe(payload, "pem")) == [
        {
            "type": "private key",
            "algorithm": None,
            "bits": None,
            "fingerprint": None,
            "encrypted": True,
        }
    ]


@pytest.mark.parametrize(
    ("algorithm", "bits"), [("ed25519", 256), ("ed448", 456), ("x25519", 256), ("x448", 448)]
)
def test_pkcs8_keys_of_other_algorithms_are_known(
    tmp_path: Path, algorithm: str, bits: int
) -> None:
    [shown] = blocks(describe(openssl(tmp_path, "genpkey", "-algorithm", algorithm), "pem"))
    assert (shown["algorithm"], shown["bits"]) == (algorithm, bits)
    assert (shown["fingerprint"] is None) == (algorithm != "ed25519")


def test_parameters_before_an_ec_key_are_no_key(tmp_path: Path) -> None:
    payload = openssl(tmp_path, "ecparam", "-name", "secp384r1", "-genkey")
    parameters, key = blocks(describe(payload, "pem"))
    assert parameters == {"type": "other", "label": "EC PARAMETERS"}
    assert (key["algorithm"], key["bits"]) == ("ec", 384)


def test_a_public_key_has_the_fingerprint_of_its_private_key(tmp_path: Path) -> None:
    private, fingerprint, _ = ssh_key(tmp_path, "rsa", "PEM")
    (tmp_path / "private").write_bytes(private)
    for arguments in (["pkey", "-pubout"], ["rsa", "-RSAPublicKey_out"]):
        public = openssl(tmp_path, *arguments, "-in", "private")
        [shown] = blocks(describe(public, "pem"))
        assert (shown["type"], shown["fingerprint"]) == ("public key", fingerprint)
        assert "encrypted" not in shown


def test_a_chain_is_described_block_by_block_as_openssl_does(tmp_path: Path) -> None:
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    certificates = []
    for name in ("/O=Acme, Inc./CN=web1", "/CN=Zürich"):
        openssl(
            tmp_path,
            *(*new, "-utf8", "-subj", name, "-days", "30", "-keyout", "key", "-out", "cert"),
        )
        certificates.append((tmp_path / "cert").read_bytes())
    payload = b"Bag Attributes: <none>\r\n" + b"text\n".join(certificates)
    payload += (tmp_path / "key").read_bytes().replace(b"\n", b"\r\n")
    description = describe(payload, "pem")
    assert description.size == len(payload)
    assert description.sha256 == hashlib.sha256(payload).hexdigest()
    first, second, key = blocks(description)
    assert (first["type"], second["type"], key["type"]) == (
        *("certificate",) * 2,
        "private key",
    )
    assert first["subject"] == first["issuer"] == "CN=web1,O=Acme\\, Inc."
    assert second["subject"] == "CN=Zürich"
    said = openssl(
        tmp_path,
        *("x509", "-in", "cert", "-noout", "-fingerprint", "-sha256", "-dates"),
        *("-dateopt", "iso_8601"),
    ).decode()
    values = dict(line.split("=", 1) for line in said.splitlines())
    assert second["fingerprint"] == values["sha256 Fingerprint"].replace(":", "").lower()
    assert second["not_before"] == values["notBefore"].replace(" ", "T")
    assert second["not_after"] == values["notAfter"].replace(" ", "T")


def test_nothing_private_is_shown(tmp_path: Path) -> None:
    payload = openssl(tmp_path, "genpkey", "-algorithm", "ed25519")
    der = base64.b64decode(payload.split(b"-----")[2])
    shown = describe(payload, "pem").details.text
    assert der[-32:].hex() not in shown
    assert base64.b64encode(der).decode()[8:24] not in shown


def test_many_blocks_are_counted_and_the_first_are_shown(tmp_path: Path) -> None:
    block = openssl(tmp_path, "genpkey", "-algorithm", "x25519")
    description = describe(block * 300, "pem")
    assert description.details["count"] == 300
    assert len(blocks(description)) == 20


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"hunter2",
        b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI hunter2",
        b"-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nhunter22\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\nhunter22\n-----END RSA PRIVATE KEY-----\n",
        b"-----BEGIN RSA PUBLIC KEY-----\nhunter22\n-----END RSA PUBLIC KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\nhunter22\n-----END CERTIFICATE-----\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nhunter22\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN hunter2-----\n",
        b"-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nhunter22\n",
        b"-----BEGIN CERTIFICATE-----\nhunter22\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nhunter2\n",
        b"-----BEGIN PRIVATE KEY-----\n"
        + base64.b64encode(b"hunter2" * 4096)
        + b"\n-----END PRIVATE KEY-----\n",
    ],
    ids=range(15),
)
def test_what_is_no_pem_is_refused_and_not_quoted(payload: bytes) -> None:
    with pytest.raises(InvalidValue) as caught:
        describe(payload, "pem")
    assert caught.value.field == "payload"
    assert "hunter" not in json.dumps({"message": str(caught.value), **caught.value.fields})
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_key_that_is_longer_than_keys_are_is_not_computed_with() -> None:
    modulus = b"\x00" + b"\xff" * 40_000
    numbers = b"\x02\x82" + len(modulus).to_bytes(2) + modulus + b"\x02\x03\x01\x00\x01"
    content = base64.b64encode(b"\x30\x82" + len(numbers).to_bytes(2) + numbers)
    payload = b"-----BEGIN RSA PUBLIC KEY-----\n%b\n-----END RSA PUBLIC KEY-----\n" % content
    with pytest.raises(InvalidValue, match="block 1 is too long for a key"):
        describe(payload, "pem")


def test_an_openssh_key_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    payload, *_ = ssh_key(tmp_path, "ed25519", "RFC4716")
    content = base64.b64decode(payload.split(b"-----")[2])
    for length in range(0, len(content), 7):
        body = base64.b64encode(content[:length])
        cut = b"-----BEGIN OPENSSH PRIVATE KEY-----\n%b\n-----END OPENSSH PRIVATE KEY-----\n" % body
        with pytest.raises(InvalidValue):
            describe(cut, "pem")


def test_hostile_payloads_do_not_take_long() -> None:
    begin, end = b"-----BEGIN A%d-----\n", b"-----END A%d-----\n"
    for payload in (
        b"".join(begin % number for number in range(40_000)),
        b"".join(end % number for number in range(40_000)),
        b"-----BEGIN CERTIFICATE-----\n" + b"a: b\n" * 200_000,
        b"-" * MAX_PAYLOAD,
        b"-----BEGIN " * 90_000,
    ):
        with pytest.raises(InvalidValue):
            describe(payload, "pem")


@pytest.mark.parametrize("payload", [b"", b"hunter2", bytes(1000)], ids=len)
def test_other_formats_tell_their_size_and_nothing_to_guess_by(payload: bytes) -> None:
    description = describe(payload, "password")
    assert (description.size, description.sha256) == (len(payload), None)
    assert dict(description.details) == {}
