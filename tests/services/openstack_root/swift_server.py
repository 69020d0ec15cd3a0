"""Serves the four servers of Swift from one process: ``swift_server.py DIRECTORY PORT...``.

They are Swift's own applications on eventlet, as its own programs run them, but without a process
for each. The ports are those of the proxy, the accounts, the containers and the objects.
"""

import eventlet

eventlet.monkey_patch()

import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import eventlet.wsgi  # noqa: E402
from swift.common import utils  # noqa: E402

directory = Path(sys.argv[1])
# The secret of the hashes is read from /etc/swift when Swift is imported.
utils.SWIFT_CONF_FILE = utils.config.SWIFT_CONF_FILE = str(directory / "swift.conf")

from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import SwiftHttpProtocol, loadapp  # noqa: E402

SERVERS = ("proxy", "account", "container", "object")
ports = dict(zip(SERVERS, map(int, sys.argv[2:]), strict=True))

for kind in SERVERS[1:]:
    builder = RingBuilder(4, 1, 1)
    device = {"id": 0, "region": 1, "zone": 1, "weight": 1, "ip": "127.0.0.1", "device": "d1"}
    builder.add_dev(
        device
        | {"port": ports[kind], "replication_ip": "127.0.0.1", "replication_port": ports[kind]}
    )
    builder.rebalance()
    builder.get_ring().save(str(directory / f"{kind}.ring.gz"))

for kind in reversed(SERVERS):
    listener = eventlet.listen(("127.0.0.1", ports[kind]))
    application = loadapp(str(directory / f"{kind}-server.conf"), {"log_name": kind})
    eventlet.spawn(
        eventlet.wsgi.server, listener, application, protocol=SwiftHttpProtocol, debug=False
    )
    print(f"{kind} serves", flush=True)

while True:
    eventlet.sleep(3600)
