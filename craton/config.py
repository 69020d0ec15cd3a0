"""The service's options, with oslo.config; a driver brings its own (``InventoryDriver.options``).

Read from ``--config-file``, else ``/etc/craton/craton.conf`` and its kin, else the embedded
default: SQLite under ``state_path``, on loopback, for one person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from oslo_config import cfg
from oslo_log import log

from craton import __version__
from craton.errors import ConfigurationError

# What alembic does to a schema is told by the command that asked for it, and what was asked of
# Barbican by whoever asked.
# PyMongo would write down every command, with what is stored.
_QUIET = ["alembic=WARN", "barbicanclient=WARN", "castellan=WARN", "pymongo=INFO"]
log.set_defaults(default_log_levels=[*log.get_default_log_levels(), *_QUIET])

DEFAULT_OPTIONS: Sequence[cfg.Opt] = (
    cfg.StrOpt(
        "state_path",
        default=str(Path("~/.local/share/craton").expanduser()),
        sample_default="$HOME/.local/share/craton",
        help="Directory for what the service keeps by itself: the embedded database, spools.",
    ),
)

INVENTORY_OPTIONS: Sequence[cfg.Opt] = (
    cfg.StrOpt(
        "driver",
        default="sql",
        help="The inventory driver, by its entry point in craton.inventory.drivers.",
    ),
)

API_OPTIONS: Sequence[cfg.Opt] = (
    cfg.HostAddressOpt("host", default="127.0.0.1", help="Address to listen on."),
    cfg.PortOpt("port", default=7780, help="Port to listen on; 0 takes a free one."),
    cfg.StrOpt(
        "auth_strategy",
        default="noauth",
        choices=[
            ("noauth", "Not at all: everybody may do everything; on loopback only."),
            ("http_basic", "By a name and a password, of http_basic_auth_user_file."),
            ("keystone", "By a token of the Keystone that [keystone_authtoken] describes."),
        ],
        help="How callers prove who they are.",
    ),
    cfg.StrOpt(
        "http_basic_auth_user_file",
        default="/etc/craton/htpasswd",
        help="The users of http_basic: a file that htpasswd -B makes, which keeps passwords by "
        "bcrypt. It is read for each request.",
    ),
    cfg.DictOpt(
        "http_basic_roles",
        default={"*": "admin"},
        help="The role of each user of http_basic on the whole service: reader, member or admin, "
        "such as alice:admin,backup:reader. * is everybody else; without it they may do nothing.",
    ),
    cfg.BoolOpt(
        "allow_noauth_remote",
        default=False,
        help="Let noauth listen on an address that is not loopback. Everybody who reaches it may "
        "then read and change everything.",
    ),
    cfg.BoolOpt(
        "change_log",
        default=True,
        help="Whether each change leaves a record of who made it and when, in the same step.",
    ),
    cfg.IntOpt("workers", default=1, min=1, help="Processes that serve requests."),
    cfg.IntOpt("threads", default=8, min=1, help="Threads that serve requests in each process."),
    cfg.IntOpt("max_limit", default=1000, min=1, help="The largest page that a list may ask for."),
    cfg.IntOpt(
        "max_body_bytes",
        default=32 * 2**20,
        min=1024,
        help="The largest request body in bytes, imports apart; beyond it the answer is 413.",
    ),
    cfg.IntOpt(
        "max_import_bytes",
        default=256 * 2**20,
        min=1024,
        help="The largest inventory to import, in bytes; beyond it the answer is 413.",
    ),
    cfg.IntOpt(
        "max_batch_changes",
        default=10_000,
        min=1,
        help="The most changes in one batch; beyond it the answer is 413.",
    ),
    cfg.IntOpt(
        "max_page_bytes",
        default=32 * 2**20,
        min=1024,
        help="About how many bytes a page of a list with variables may have: one that would have "
        "more ends early, with a link to the next one.",
    ),
    cfg.IntOpt(
        "max_concurrent_bundles",
        default=4,
        min=1,
        help="How many bundles each process makes and sends at once; beyond it the answer is 503 "
        "with Retry-After. Fewer than there are threads leaves some to everybody else.",
    ),
    cfg.IntOpt(
        "request_seconds",
        default=60,
        min=1,
        help="How long a request may read and prepare; then it is given up, with 503. What the "
        "store does in one step is bounded by the store's own time-outs.",
    ),
    cfg.IntOpt(
        "bundle_seconds",
        default=600,
        min=1,
        help="The same for bundles, imports and batches, and for a bundle's way to the client.",
    ),
    cfg.IntOpt(
        "stalled_seconds",
        default=30,
        min=1,
        help="How long a client may neither send what it announced nor take what it asked for; "
        "then the connection is closed.",
    ),
    cfg.StrOpt(
        "rate_limit",
        default="",
        sample_default="",
        help="How often one caller may ask, such as '100/second' or '1000 per 5 minute'; beyond "
        "it the answer is 429 with Retry-After. A caller is a user, or an address while nobody is "
        "asked who they are. Empty: as often as they like.",
    ),
    cfg.StrOpt(
        "rate_limit_storage",
        default="memory://",
        secret=True,
        help="Where requests are counted: memory:// counts in each process for itself, so that "
        "workers times as many come through; redis://host:port counts for all together.",
    ),
    cfg.IntOpt(
        "idempotency_key_hours",
        default=24,
        min=1,
        help="How long the answer to a request with an Idempotency-Key is kept for those who send "
        "it again.",
    ),
    cfg.BoolOpt(
        "require_if_match",
        default=False,
        help="Refuse PUT, PATCH and DELETE without If-Match (428), so that nobody overwrites "
        "what somebody else wrote unseen.",
    ),
)

SECRETS_OPTIONS: Sequence[cfg.Opt] = (
    cfg.StrOpt(
        "store",
        default="fernet",
        help="What seals the payloads of secrets, by its entry point in craton.secret_stores: "
        "fernet (keys on this machine) or castellan (Barbican).",
    ),
)

RUNS_OPTIONS: Sequence[cfg.Opt] = (
    cfg.StrOpt(
        "playbook_path",
        help="The directory of the playbooks that may be run. Without it there are no runs but "
        "those that somebody's own ansible-playbook reports.",
    ),
    cfg.StrOpt(
        "redis_url",
        secret=True,
        help="The Redis that servers and conductors share, such as redis://127.0.0.1:6379/0. "
        "Without it one craton-server carries out runs by itself and forgets them when it ends.",
    ),
    cfg.StrOpt(
        "persistence",
        secret=True,
        sample_default="sqlite:///$state_path/runs.sqlite",
        help="The SQLAlchemy URL of the database in which conductors keep how far they are. "
        "Conductors on several machines need one that all of them reach.",
    ),
    cfg.IntOpt(
        "workers", default=2, min=1, help="How many batches one conductor works on at once."
    ),
    cfg.IntOpt(
        "batch_size",
        default=100,
        min=1,
        help="How many hosts are given to one ansible-playbook, unless the request says so.",
    ),
    cfg.IntOpt(
        "forks",
        default=10,
        min=1,
        help="How many hosts one ansible-playbook works on at once, unless the request says so.",
    ),
    cfg.IntOpt(
        "lease_seconds",
        default=9,
        min=3,
        help="How long a conductor that is not heard of keeps its runs. It stops its playbooks "
        "before that time is over, so that nobody else works on the same hosts.",
    ),
    cfg.IntOpt(
        "max_attempts",
        default=3,
        min=1,
        help="How many conductors may take up a run, one after the other, before it is lost.",
    ),
    cfg.IntOpt(
        "silent_minutes",
        default=10,
        min=1,
        help="A run that is reported by somebody's own ansible-playbook is lost when nothing was "
        "heard of it for so long.",
    ),
    cfg.IntOpt("keep_days", default=14, min=1, help="How long ended runs are kept."),
    cfg.IntOpt(
        "max_events",
        default=100_000,
        min=1000,
        help="How many events are kept of one run; the oldest go first.",
    ),
    cfg.IntOpt(
        "max_watchers",
        default=1000,
        min=1,
        help="How many clients may follow events at one process; beyond it the answer is 503.",
    ),
)

_GROUPS: dict[str, Sequence[cfg.Opt]] = {
    "DEFAULT": DEFAULT_OPTIONS,
    "inventory": INVENTORY_OPTIONS,
    "api": API_OPTIONS,
    "secrets": SECRETS_OPTIONS,
    "runs": RUNS_OPTIONS,
}


def list_opts() -> list[tuple[str, Sequence[cfg.Opt]]]:
    """Return the options by group, for the generator of the sample configuration."""
    return list(_GROUPS.items())


def register(conf: cfg.ConfigOpts, groups: Mapping[str, Sequence[cfg.Opt]]) -> None:
    """Make options known to a configuration; known ones stay as they are."""
    for group, options in groups.items():
        conf.register_opts(options, group=None if group == "DEFAULT" else group)


def check(conf: cfg.ConfigOpts, groups: Mapping[str, Sequence[cfg.Opt]]) -> None:
    """Read every option now, because oslo.config looks at a value only when it is asked for.

    Raises:
        ConfigurationError: A value is not what its option takes.
    """
    try:
        for group, options in groups.items():
            section = conf if group == "DEFAULT" else conf[group]
            for option in options:
                section[option.dest]
    except (cfg.Error, ValueError) as error:
        raise ConfigurationError(str(error)) from error


def settings(
    arguments: Sequence[str] = (),
    files: list[str] | None = None,
    **overrides: object,
) -> cfg.ConfigOpts:
    """Read the configuration.

    Args:
        arguments: Command-line arguments, such as ``["--config-file", "craton.conf"]``.
        files: Configuration files instead of the ones found by default; ``[]`` reads none.
        overrides: Values that win over the files, as ``group__option`` or ``option``.

    Raises:
        ConfigurationError: A file is missing or malformed, or a value is not what its option takes.
    """
    conf = cfg.ConfigOpts()
    register(conf, _GROUPS)
    log.register_options(conf)
    try:
        conf(list(arguments), project="craton", version=__version__, default_config_files=files)
        for name, value in overrides.items():
            group, _, option = name.rpartition("__")
            conf.set_override(option, value, group or None)
    except (cfg.Error, ValueError) as error:
        raise ConfigurationError(str(error)) from error
    check(conf, _GROUPS)
    return conf
