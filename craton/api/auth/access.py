"""What callers may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from craton import caller
from craton.api.auth.policy import Policy
from craton.caller import Caller
from craton.errors import PermissionDenied

_NOTHING: Final[Mapping[str, str]] = {}


class Access:
    """Answers whether a caller may do something.

    Args:
        policy: Has the rules; ``None`` lets everybody do everything.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = policy

    @property
    def is_limited(self) -> bool:
        """Whether there is anything that somebody may not do."""
        return self._policy is not None

    def allows(
        self, rule: str, who: Caller | None = None, target: Mapping[str, str] = _NOTHING
    ) -> bool:
        """Tell whether a caller passes a rule.

        Args:
            rule: Its name.
            who: The caller, by default the present one.
            target: What it is about: the values in the path.
        """
        if self._policy is None:
            return True
        who = who or caller.current()
        credentials = {
            "user_id": who.user_id,
            "project_id": who.project_id,
            "roles": sorted(who.roles),
            "system_scope": "all" if who.is_system else None,
        }
        return bool(self._policy.enforcer.enforce(rule, dict(target), credentials))

    def require(self, rule: str, what: str = "this") -> None:
        """Refuse what the present caller may not do.

        Args:
            rule: The rule that governs it.
            what: What it is, as a noun.

        Raises:
            PermissionDenied: They do not pass; ``fields["rule"]`` names it.
        """
        if not self.allows(rule):
            raise denied(rule, what)


def denied(rule: str, what: str = "this") -> PermissionDenied:
    """Make the error that names the rule which somebody does not pass."""
    return PermissionDenied(f"{what} needs what the rule {rule} asks for", rule=rule)
