"""What can be set in ``[cmdb_files]``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from urllib.parse import urlsplit

from oslo_config import cfg

from craton.errors import ConfigurationError
from craton.models import Host, specs

GROUP = "cmdb_files"

#: What a column can be, by the names of a host's fields; the place of the region is two names.
FIELDS = (
    *("id", "tenant", "region"),
    *(
        name
        for name, spec in specs(Host).items()
        if not spec.read_only and name not in ("region_id", "variables", "templated")
    ),
)

#: Part of every token: raise it when the same export makes other entities than before.
_VERSION = 1

#: What changes nothing about what an export means.
_WITHOUT_MEANING = frozenset(
    {"ca_file", "secret_file", "username", "timeout", "download_time", "max_bytes", "owner"}
)

OPTIONS = [
    cfg.StrOpt("owner", default="the CMDB", help="What people call the CMDB."),
    cfg.StrOpt("path", help="The directory that the CMDB exports into; this or url."),
    cfg.StrOpt("manifest", help="A file in path, as sha256sum prints it, that lists the export."),
    cfg.StrOpt("url", help="Where the CMDB offers its export, by https; this or path."),
    cfg.StrOpt("ca_file", help="Certificates of the authorities to trust, instead of public ones."),
    cfg.StrOpt(
        "secret_file", help="A file with the bearer token for url; with username, its password."
    ),
    cfg.StrOpt("username", help="For url with HTTP Basic authentication."),
    cfg.FloatOpt("timeout", default=10, min=0.1, max=30, help="Seconds of silence at url."),
    cfg.FloatOpt("download_time", default=600, min=1, help="Seconds for the whole of url."),
    cfg.IntOpt("max_bytes", default=2**30, min=1, help="The largest export, in bytes."),
    cfg.StrOpt("count_header", help="A header of url's answer with the number of rows."),
    cfg.StrOpt("format", default="csv", choices=["csv", "json"], help="What the files are."),
    cfg.StrOpt("delimiter", default=",", help="What stands between cells of CSV; tab for a tab."),
    cfg.DictOpt(
        "columns",
        default={"id": "id", "name": "name"},
        help=f"Names of columns by what they are: {', '.join(FIELDS)}.",
    ),
    cfg.StrOpt("tenant", help="The tenant of rows that name none."),
    cfg.StrOpt("region", help="The region of rows that name none."),
    cfg.StrOpt("groups_separator", default=",", help="What stands between groups of one cell."),
    cfg.ListOpt(
        "variables",
        default=["*"],
        help="The columns that are variables: column, column:variable, prefix* (which is taken "
        "away), or * for all that columns does not name.",
    ),
    cfg.ListOpt(
        "json_columns", default=[], help="The variables whose cells of CSV are JSON; * for all."
    ),
    cfg.StrOpt("page", help="Where people find a machine in the CMDB; {id} stands for its id."),
]


def check(options: cfg.ConfigOpts.GroupAttr) -> None:
    """Check what oslo.config cannot.

    Raises:
        ConfigurationError: Options do not fit together; the message says what to change.
    """
    if bool(options.path) == bool(options.url):
        raise _wrong("set path to a directory, or url, and not both")
    if options.url:
        _check_url(options)
    elif options.count_header:
        raise _wrong("count_header is for url; a directory has a manifest")
    if options.url and options.manifest:
        raise _wrong("manifest is for path; a url has count_header")
    if options.manifest and "/" in options.manifest:
        raise _wrong("manifest must be the name of a file in path")
    if len(delimiter(options)) != 1:
        raise _wrong("delimiter must be one character, or the word tab")
    _check_columns(options)


def place(options: cfg.ConfigOpts.GroupAttr) -> str:
    """Return where the export is, for people: without the query of a URL, which may be secret."""
    return str(options.path or options.url.partition("?")[0])


def delimiter(options: cfg.ConfigOpts.GroupAttr) -> str:
    """Return the delimiter of CSV."""
    return "\t" if options.delimiter == "tab" else options.delimiter


def digest(options: cfg.ConfigOpts.GroupAttr) -> str:
    """Return a text that is the same as long as the same export means the same entities."""
    meaning = {
        option.dest: options[option.dest]
        for option in OPTIONS
        if option.dest not in _WITHOUT_MEANING
    }
    text = json.dumps([_VERSION, meaning], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def read_secret(options: cfg.ConfigOpts.GroupAttr) -> str:
    """Return what is in the secret's file; empty if there is none.

    Raises:
        OSError, UnicodeError: The file cannot be read.
    """
    if not options.secret_file:
        return ""
    return Path(options.secret_file).read_text(encoding="ascii").strip()


def _check_url(options: cfg.ConfigOpts.GroupAttr) -> None:
    try:
        parts = urlsplit(options.url)
        host = parts.hostname
    except ValueError as error:
        raise _wrong("url is none") from error
    if parts.scheme != "https" or not host:
        raise _wrong("url must begin with https:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise _wrong("url must not hold a password: set username and secret_file")
    if options.username and not options.secret_file:
        raise _wrong("username needs a secret_file with its password")


def _check_columns(options: cfg.ConfigOpts.GroupAttr) -> None:
    unknown = options.columns.keys() - set(FIELDS)
    if unknown:
        known = ", ".join(FIELDS)
        raise _wrong(f"columns has {', '.join(sorted(unknown))}; it can have {known}")
    for name in ("id", "name"):
        if name not in options.columns:
            raise _wrong(f"columns must say which column is the {name}")
    for name in ("tenant", "region"):
        if not (options.columns.get(name) or options[name]):
            raise _wrong(f"set {name}, or say in columns which column is the {name}")


def _wrong(rule: str) -> ConfigurationError:
    return ConfigurationError(f"[{GROUP}] {rule}")
