"""The environment in which Ansible runs a batch."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from craton.runs.deadlines import VARIABLE
from craton.runs.processes import MARK

#: What of this process's environment Ansible gets, besides ``ANSIBLE_…`` and ``LC_…``. No more:
#: the service's own environment may hold its passwords.
_PASSED: Final = frozenset(
    """
    HOME USER LOGNAME LANG TZ SSH_AUTH_SOCK SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE KRB5CCNAME
    KRB5_CONFIG http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY
    """.split()
)
_PASSED_PREFIXES: Final = ("ANSIBLE_", "LC_")

#: What a bundle is written for, and what the events are read from; no configuration may differ.
_SETTINGS: Final = {
    "ANSIBLE_INVENTORY_ENABLED": "yaml",
    "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
    "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
    "ANSIBLE_TRANSFORM_INVALID_GROUP_CHARS": "ignore",
    "ANSIBLE_HASH_BEHAVIOUR": "replace",
    "ANSIBLE_STDOUT_CALLBACK": "craton_guard",
    "ANSIBLE_FORCE_COLOR": "False",
    "ANSIBLE_NOCOLOR": "True",
    "ANSIBLE_NOCOWS": "True",
    "ANSIBLE_RETRY_FILES_ENABLED": "False",
    # Of longer results, in characters, ansible-runner tells nothing at all.
    "MAX_EVENT_RES": "8000000",
}

_GUARD: Final = Path(__file__).with_name("guard")


def environment(directory: Path) -> dict[str, str]:
    """Return the environment of a batch: nothing of this process that is not meant for Ansible.

    Args:
        directory: The private directory of the batch, which takes Ansible's temporary files.
    """
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED or name.startswith(_PASSED_PREFIXES)
    }
    plugins = os.pathsep.join(filter(None, (passed.get("ANSIBLE_CALLBACK_PLUGINS"), str(_GUARD))))
    return {
        **passed,
        **_SETTINGS,
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
        "TMPDIR": str(directory / "tmp"),
        "ANSIBLE_LOCAL_TEMP": str(directory / "tmp"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(directory / "cp"),
        "ANSIBLE_CALLBACK_PLUGINS": plugins,
        MARK: str(directory),
        VARIABLE: str(directory / "deadline"),
    }
