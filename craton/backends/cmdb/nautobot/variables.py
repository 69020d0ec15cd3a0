"""The variables of a host: Nautobot's rendered config context, and custom fields.

The context is Nautobot's own result, weights and all, and stands with the host, where nothing that
Ansible merges wins over it. So what Ansible sees is what Nautobot shows.
"""

from __future__ import annotations

from craton.backends.cmdb.nautobot.client import Row
from craton.backends.cmdb.nautobot.options import Options
from craton.errors import InvalidValue
from craton.jsontext import JsonValue
from craton.variables import Variables


class UnfitError(Exception):
    """An object of Nautobot makes no entity; the message says why."""


def host_variables(row: Row, options: Options) -> Variables:
    """Return the variables of a host.

    A custom field without a value makes none: Nautobot does not tell null from nothing.

    Args:
        row: What Nautobot says of the host.
        options: How to name them.

    Raises:
        UnfitError: Two have one name, or one is no variable to Ansible.
    """
    context: dict[str, JsonValue] = row["config_context"] or {}
    if options.context_variable:
        context = {options.context_variable: context}
    taken = frozenset(options.filled("host").values())
    fields = {
        f"{options.custom_field_prefix}{key}": value
        for key, value in (row["_custom_field_data"] or {}).items()
        if value is not None and key not in taken
    }
    ignored = options.ignored_variables
    both = sorted((context.keys() & fields.keys()) - ignored)
    if both:
        raise UnfitError(
            f"its config context and a custom field both make the variable {both[0]!r}: set "
            "[nautobot] custom_field_prefix or ignored_variables"
        )
    values = {name: value for name, value in {**context, **fields}.items() if name not in ignored}
    try:
        return Variables(values)
    except InvalidValue as error:
        raise UnfitError(
            f"its config context or a custom field makes no variable ({error}): rename it in "
            "Nautobot, or set [nautobot] context_variable or ignored_variables"
        ) from error
