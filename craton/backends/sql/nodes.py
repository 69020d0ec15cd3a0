"""Where to connect: the nodes of a cluster, or the one server that there is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from craton.backends.sql.errors import is_lost
from craton.errors import ConfigurationError

#: The port of MySQL and MariaDB.
_PORT: Final = 3306

#: How long a node that did not serve is tried only after all others, in seconds.
_REST: Final = 10.0

Address: TypeAlias = tuple[str, int]

#: Makes a connection by the parameters of the database's module; raises if it does not serve.
Connect: TypeAlias = Callable[[Mapping[str, Any]], Any]


class Nodes:
    """Finds a node that serves: the one of the URL, else the first of the others.

    A node that hangs is noticed by time, so one that did not serve has its turn last for a while.

    Args:
        others: The other nodes, as ``host`` or ``host:port``.

    Raises:
        ConfigurationError: One of them is neither.
    """

    def __init__(self, others: Sequence[str]) -> None:
        self._others = [_address(text) for text in others]
        self._failed: dict[Address, float] = {}
        self._lock = threading.Lock()

    def connect(self, parameters: Mapping[str, Any], connect: Connect) -> Any:
        """Return a connection to a node that serves, or raise what the last one of them said."""
        first = parameters.get("host", "127.0.0.1"), parameters.get("port", _PORT)
        *rest, last = self._in_order([first, *self._others])
        for address in rest:
            try:
                return self._try(address, parameters, connect)
            except Exception as error:
                if not is_lost(error):
                    raise
        return self._try(last, parameters, connect)

    def _try(self, address: Address, parameters: Mapping[str, Any], connect: Connect) -> Any:
        try:
            made = connect({**parameters, "host": address[0], "port": address[1]})
        except Exception:
            with self._lock:
                self._failed[address] = time.monotonic()
            raise
        with self._lock:
            self._failed.pop(address, None)
        return made

    def _in_order(self, addresses: Sequence[Address]) -> list[Address]:
        long_ago = time.monotonic() - _REST
        with self._lock:
            recent = {a: when for a, when in self._failed.items() if when > long_ago}
        # Of those that failed, the one first that had most time to come back.
        return sorted(addresses, key=lambda address: recent.get(address, 0.0))


def _address(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(_PORT)
    if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
        raise ConfigurationError(
            f"[database] other_nodes: {text!r} is neither a host nor host:port"
        )
    return host.strip("[]"), int(port)
