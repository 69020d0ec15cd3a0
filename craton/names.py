"""Names that Ansible reads back unchanged, and that can be a file's name in a bundle.

The rules come from ansible-core: ``parsing/utils/addresses.py`` (ports and ranges in host names),
``constants.py`` (internal variables), ``utils/vars.py`` (identifiers), and from what its inventory
plugins were seen to do with the rest. The page on contract clauses lists them.
"""

from __future__ import annotations

import re
from typing import Final

from craton.errors import InvalidValue

#: The groups that every Ansible inventory has by itself.
IMPLICIT_GROUPS: Final = frozenset({"all", "ungrouped"})

#: Names of hosts that Ansible takes for the controller itself; one region can hold one of them.
CONTROLLER_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})

#: The longest name in bytes: with ``.json`` behind it, it still is a file's name.
MAX_BYTES: Final = 250

#: What begins a template, or turns a string into one, when Ansible may template it.
TEMPLATE_MARKS: Final = ("{{", "{%", "{#")

#: A group's priority is a field of the group; as a variable it would be a second truth.
PRIORITY_VARIABLE: Final = "ansible_group_priority"

#: ``ansible.constants.INTERNAL_STATIC_VARS`` and the names that Jinja keeps for itself: a variable
#: of such a name vanishes, or is refused, when Ansible reads it.
RESERVED_VARIABLES: Final = frozenset(
    """
    ansible_async_path ansible_collection_name ansible_config_file ansible_dependent_role_names
    ansible_diff_mode ansible_facts ansible_forks ansible_inventory_sources ansible_limit
    ansible_play_batch ansible_play_hosts ansible_play_hosts_all ansible_play_role_names
    ansible_playbook_python ansible_role_name ansible_role_names ansible_run_tags ansible_skip_tags
    ansible_verbosity ansible_version group_names groups hostvars inventory_dir inventory_file
    inventory_hostname inventory_hostname_short omit play_hosts playbook_dir role_name role_names
    role_path role_uuid true false none True False None not
    """.split()
) | {PRIORITY_VARIABLE}

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_PORT_SUFFIX = re.compile(r"[^:]*:[0-9]+\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_FORBIDDEN: Final = {
    "/": "it would name another directory",
    "\\": "it would name another directory",
    ",": "Ansible separates hosts by commas",
    "[": "Ansible expands ranges",
    "]": "Ansible expands ranges",
    "$": "Ansible expands environment variables in the names of files",
}


def check_free_text(value: str, field: str) -> None:
    """Check a name that only people read, such as a tenant's.

    Raises:
        InvalidValue: It holds a control character.
    """
    if _CONTROL.search(value):
        raise InvalidValue(field, "must not contain control characters")


def check_inventory_name(value: str, field: str) -> None:
    """Check the name of a host or a group.

    Raises:
        InvalidValue: Ansible would read it back as something else, or it cannot name a file.
    """
    check_free_text(value, field)
    if value != value.strip() or not value:
        raise InvalidValue(field, "must not be empty, nor begin or end with white space")
    if len(value.encode()) > MAX_BYTES:
        raise InvalidValue(field, f"must not be longer than {MAX_BYTES} bytes")
    for character, reason in _FORBIDDEN.items():
        if character in value:
            raise InvalidValue(field, f"must not contain {character!r}: {reason}")
    if any(mark in value for mark in TEMPLATE_MARKS):
        raise InvalidValue(field, "must not contain a template")
    if value.startswith("__ansible") or value in {".", "..", "_meta"}:
        raise InvalidValue(field, f"must not be {value!r}, which means something to Ansible")
    if value in IMPLICIT_GROUPS:
        raise InvalidValue(field, f"must not be {value!r}, a group of every inventory")
    if _PORT_SUFFIX.match(value):
        raise InvalidValue(
            field, "must not end with a port; put the port into ssh_port (an IPv6 address is fine)"
        )


def check_variable_name(value: str, field: str) -> None:
    """Check the name of a variable.

    Raises:
        InvalidValue: It is no ASCII identifier, or one that Ansible keeps for itself.
    """
    if not _VARIABLE.match(value):
        raise InvalidValue(
            field, "must begin with a letter or underscore, and go on with ASCII letters, digits, _"
        )
    if len(value) > MAX_BYTES:
        raise InvalidValue(field, f"must not be longer than {MAX_BYTES} bytes")
    if value == PRIORITY_VARIABLE:
        raise InvalidValue(field, "is not a variable: set the group's field priority")
    if value.startswith("__ansible") or value in RESERVED_VARIABLES:
        raise InvalidValue(field, "is a name that Ansible keeps for itself; choose another")
