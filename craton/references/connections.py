"""Connections to servers that nobody vouches for.

A name is resolved once, every address that it has is checked, and the connection goes to one of
those addresses, so a name that changes its mind in between changes nothing; the certificate is
still checked for the name. This is done where urllib3 makes its socket, as its own SOCKS proxies
do, so whatever goes through a pool of these obeys the rule.

Time and bytes are counted in the socket itself, below every parser: a server that sends a byte now
and then, headers without end or a body of unknown length meets the same limits.
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import ssl
import threading
from typing import Any, Protocol

from urllib3.connection import HTTPSConnection
from urllib3.connectionpool import HTTPSConnectionPool

from craton.errors import ConfigurationError
from craton.references.addresses import Address, AddressRule
from craton.references.allowance import Allowance, FetchFailed


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Make the settings of TLS: certificates and names are always verified.

    Args:
        ca_file: The authorities to trust; ``None`` for those of ``SSL_CERT_FILE``, or the system's.

    Raises:
        ConfigurationError: The file cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise ConfigurationError(f"[references] ca_file: {ca_file}: {error.strerror}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = CountingSocket
    return context


def connect(host: str, port: int, rule: AddressRule, allowance: Allowance) -> socket.socket:
    """Connect to a host at an address that was checked.

    Raises:
        FetchFailed: It has no address, one where it must not be, or does not answer.
    """
    addresses = _resolve(host, port, allowance)
    for _, address, _ in addresses:
        if not rule.allows(host, address):
            # Which address it is would tell strangers about the network that the service is in.
            raise FetchFailed(
                f"leads to {host}, which is not on the public internet and not exempted by "
                "[references] allow"
            )
    problem: OSError | None = None
    for position, (family, _, target) in enumerate(addresses):
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            left = allowance.remaining()
            connection.settimeout(left / (len(addresses) - position))
            connection.connect(target)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(allowance.remaining())
        except OSError as error:
            connection.close()
            problem = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    reason = "does not answer" if isinstance(problem, TimeoutError) else "cannot be reached"
    raise FetchFailed(f"leads to {host}, which {reason}", temporary=True) from problem


class Dial(Protocol):
    """Who makes the sockets of a pool."""

    allowance: Allowance

    def connect(self, host: str, port: int) -> socket.socket:
        """Return a socket that is connected to a host."""


class CountingSocket(ssl.SSLSocket):
    """Counts what comes in, and waits no longer than the fetch has time."""

    allowance: Allowance | None = None

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        if self.allowance is None:
            return super().read(len, buffer)
        self.settimeout(self.allowance.remaining())
        try:
            found: Any = super().read(len, buffer)
        except TimeoutError as error:
            raise self.allowance.out_of_time() from error
        self.allowance.spend(found if buffer is not None else found.__len__())
        return found

    def send(self, data: Any, flags: int = 0) -> int:
        if self.allowance is not None:
            self.settimeout(self.allowance.remaining())
        return super().send(data, flags)


class Connection(HTTPSConnection):
    """A connection of urllib3 whose socket somebody else makes.

    Args:
        dial: Who makes it.
    """

    def __init__(self, *arguments: Any, dial: Dial, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._dial = dial

    def _new_conn(self) -> socket.socket:
        return self._dial.connect(self.host, self.port)

    def connect(self) -> None:
        super().connect()
        assert isinstance(self.sock, CountingSocket)
        self.sock.allowance = self._dial.allowance


class Pool(HTTPSConnectionPool):
    """A pool of such connections."""

    ConnectionCls = Connection


def _resolve(host: str, port: int, allowance: Allowance) -> list[tuple[int, Address, Any]]:
    # The resolver has time limits of its own only, and cannot be interrupted.
    found: queue.SimpleQueue[list[Any] | OSError | UnicodeError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        answer = found.get(timeout=allowance.remaining())
    except queue.Empty:
        raise allowance.out_of_time() from None
    if isinstance(answer, socket.gaierror) and answer.errno == socket.EAI_AGAIN:
        raise FetchFailed(f"leads to {host}, whose name server is away", temporary=True) from answer
    if isinstance(answer, OSError | UnicodeError) or not answer:
        raise FetchFailed(f"leads to {host}, which has no address")
    return [(family, ipaddress.ip_address(target[0]), target) for family, _, _, _, target in answer]
