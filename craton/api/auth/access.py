"""What callers may do, by the rules of oslo.policy and what an operator made of them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Final, Self

from oslo_config import cfg
from oslo_policy.policy import Enforcer, InvalidDefinitionError, RuleDefault

from craton import caller
from craton.caller import Caller
from craton.errors import ConfigurationError, PermissionDenied

GROUP: Final = "oslo_policy"

_NOTHING: Final[Mapping[str, str]] = {}

#: What comes out of oslo.policy when a file is not what it should be.
_UNREADABLE: Final = (cfg.Error, OSError, ValueError, TypeError, AttributeError)

LOG = logging.getLogger(__name__)


class Access:
    """Answers whether a caller may do something.

    Args:
        enforcer: Knows the rules; ``None`` lets everybody do everything.
    """

    def __init__(self, enforcer: Enforcer | None = None) -> None:
        self._enforcer = enforcer

    @classmethod
    def of(cls, conf: cfg.ConfigOpts, rules: Iterable[RuleDefault]) -> Self:
        """Read the operator's policy file, if there is one.

        Raises:
            ConfigurationError: The file is missing though it is named, cannot be read, or has a
                rule that governs nothing.
        """
        enforcer = Enforcer(conf)
        enforcer.register_defaults(list(rules))
        enforcer.suppress_default_change_warnings = True
        _check_file(conf)
        try:
            enforcer.load_rules(force_reload=True)
            enforcer.check_rules(raise_on_violation=True)
        except _UNREADABLE as error:
            raise ConfigurationError(f"[{GROUP}] policy_file cannot be read: {error}") from error
        except InvalidDefinitionError as error:
            raise ConfigurationError(
                f"[{GROUP}] policy_file: a rule names one that is not there, or itself"
            ) from error
        _check_rules(enforcer)
        return cls(enforcer)

    @property
    def is_limited(self) -> bool:
        """Whether there is anything that somebody may not do."""
        return self._enforcer is not None

    def allows(
        self, rule: str, who: Caller | None = None, target: Mapping[str, str] = _NOTHING
    ) -> bool:
        """Tell whether a caller passes a rule.

        Args:
            rule: Its name.
            who: The caller, by default the present one.
            target: What it is about: the values in the path.
        """
        if self._enforcer is None:
            return True
        who = who or caller.current()
        credentials = {
            "user_id": who.user_id,
            "project_id": who.project_id,
            "roles": sorted(who.roles),
            "system_scope": "all" if who.is_system else None,
        }
        try:
            return bool(self._enforcer.enforce(rule, dict(target), credentials))
        except _UNREADABLE:
            # oslo.policy looks at it again when it changes, and has the old rules until then.
            LOG.exception("The policy file cannot be read any more; the rules stay as they were")
            return bool(self._enforcer.enforce(rule, dict(target), credentials))

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


def _check_rules(enforcer: Enforcer) -> None:
    """Refuse rules that somebody wrote in vain; oslo.policy would pass over some of them."""
    for name, rule in enforcer.file_rules.items():
        # Without a colon it may be a name that other rules of the file are made of.
        if ":" in name and name not in enforcer.registered_rules:
            raise ConfigurationError(f"[{GROUP}] policy_file: nothing is governed by {name}")
        # What cannot be read lets nobody pass, which only "!" is meant to do.
        if str(rule.check) == "!" and rule.check_str != "!":
            raise ConfigurationError(f"[{GROUP}] policy_file: what stands at {name} is no rule")


def _check_file(conf: cfg.ConfigOpts) -> None:
    """Refuse a file that somebody named and that is not there; oslo.policy would do without."""
    named = conf[GROUP].policy_file
    location = conf.get_location("policy_file", GROUP)
    is_default = location is None or location.location.name == "opt_default"
    if not is_default and conf.find_file(named) is None:
        raise ConfigurationError(f"[{GROUP}] policy_file: there is no {named}")
