"""The markers of pages of runs and of hosts: where to go on, bound to what was asked for."""

from __future__ import annotations

import base64
import hashlib
import json

from craton.errors import InvalidPageToken


def encode(question: object, position: str) -> str:
    """Make the marker of the page that begins behind a position.

    Args:
        question: What was asked for, without limit and marker; its ``repr`` tells questions apart.
        position: Where the page before it ended.
    """
    document = json.dumps([_fingerprint(question), position], ensure_ascii=False)
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


def decode(question: object, marker: str | None) -> str | None:
    """Return the position behind which the page begins; ``None`` is the beginning.

    Raises:
        InvalidPageToken: The marker was made for another question, or is none.
    """
    if marker is None:
        return None
    try:
        raw = base64.b64decode(marker + "=" * (-len(marker) % 4), b"-_", validate=True)
        fingerprint, position = json.loads(raw)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidPageToken from error
    if fingerprint != _fingerprint(question) or type(position) is not str:
        raise InvalidPageToken
    return position


def _fingerprint(question: object) -> str:
    return hashlib.blake2b(repr(question).encode(errors="replace"), digest_size=12).hexdigest()
