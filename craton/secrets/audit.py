"""Who read which secrets: one line of JSON for each, to a logger of its own.

The line is a message like all others to oslo.log, so it goes where the operator sends messages;
``[DEFAULT] log_config_append`` can send the logger ``craton.audit`` somewhere else.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Final

LOGGER: Final = "craton.audit"

_LOG = logging.getLogger(LOGGER)
# A service that is told to say less still says this.
_LOG.setLevel(logging.INFO)


def record(*, request_id: str, caller: str, action: str, **subject: str) -> None:
    """Write that somebody did something with a secret. Never give it a payload.

    Args:
        request_id: What the log and the answer call the request.
        caller: The id of the user, or what the service calls somebody who gave no name.
        action: What was done, in a few words that do not change, such as ``read payload``.
        subject: The id of what it was done with: ``secret_id``, or ``region_id`` where it was all
            that a bundle of the region held.
    """
    line = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": request_id,
        "caller": caller,
        "action": action,
        **subject,
    }
    # All in ASCII and on one line, whatever the caller is called.
    _LOG.info("%s", json.dumps(line))
