"""What a batch's supervisor is told, and the files that lie ready for it.

The supervisor imports little, so that it hears of its lease soon after it was started.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: The files of a batch in its private directory; ansible-runner knows the first two by name.
EXTRA_VARS: Final = "env/extravars"
SETTINGS: Final = "env/settings"
LIMIT: Final = "limit"


@dataclass(frozen=True, kw_only=True)
class Order:
    """What one ``ansible-playbook`` is to do; all else is in its environment and its directory.

    Attributes:
        directory: The private directory of the batch.
        bundle: The unpacked bundle.
        playbook: The playbook.
        batch: The number of the batch.
        hosts: Its hosts: names by id.
        check, tags, forks: See :class:`~craton.runs.batch.Batch`.
    """

    directory: str
    bundle: str
    playbook: str
    batch: int
    hosts: Mapping[str, str]
    check: bool
    tags: Sequence[str]
    forks: int
