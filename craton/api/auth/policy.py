"""The rules of oslo.policy with what an operator made of them, read again when the file changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic
from typing import Final

from oslo_config import cfg
from oslo_policy.policy import Enforcer, InvalidDefinitionError, RuleDefault

from craton.errors import ConfigurationError

LOG = logging.getLogger(__name__)

GROUP: Final = "oslo_policy"

#: For how many seconds nobody looks whether a file has changed. oslo.policy would look each time,
#: which takes longer than all the rest of a small request.
_REST: Final = 1.0

#: What comes out of oslo.policy when a file is not what it should be.
_UNREADABLE: Final = (cfg.Error, OSError, ValueError, TypeError, AttributeError)


class Policy:
    """The rules as they are now.

    A file that would keep the service from starting changes nothing while it runs.

    Args:
        conf: Says where the operator's file is.
        rules: The rules with their defaults.

    Raises:
        ConfigurationError: The file is missing though it is named, cannot be read, or has a rule
            that governs nothing.
    """

    def __init__(self, conf: cfg.ConfigOpts, rules: Iterable[RuleDefault]) -> None:
        self._conf = conf
        self._rules = list(rules)
        self._looking = threading.Lock()
        self._enforcer = self._read()
        self._seen = self._state()
        self._rests_until = monotonic() + _REST

    @property
    def enforcer(self) -> Enforcer:
        """What answers by the rules; one that is in use stays as it is."""
        if monotonic() > self._rests_until and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._rests_until = monotonic() + _REST
                self._looking.release()
        return self._enforcer

    def _look(self) -> None:
        state = self._state()
        if state == self._seen:
            return
        self._seen = state
        try:
            self._enforcer = self._read()
        except ConfigurationError as error:
            LOG.error("The rules stay as they were: %s", error)

    def _read(self) -> Enforcer:
        enforcer = Enforcer(self._conf)
        enforcer.register_defaults(self._rules)
        _check_file(self._conf)
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
        enforcer.use_conf = False
        return enforcer

    def _state(self) -> frozenset[tuple[Path, int, int]]:
        """Return what tells the files from what they were."""
        found = set()
        for path in self._files():
            try:
                status = path.stat()
            except OSError:  # It went meanwhile, which is a change, too.
                continue
            found.add((path, status.st_mtime_ns, status.st_ino))
        return frozenset(found)

    def _files(self) -> Iterator[Path]:
        options = self._conf[GROUP]
        for name in (options.policy_file, *options.policy_dirs):
            path = self._conf.find_file(name)
            if path is not None:
                yield Path(path)
                if Path(path).is_dir():
                    yield from Path(path).iterdir()


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
