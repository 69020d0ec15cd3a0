"""The options of references; each fetcher brings its own besides."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from oslo_config import cfg

GROUP: Final = "references"

OPTIONS: Final[Sequence[cfg.Opt]] = (
    cfg.ListOpt(
        "allow",
        default=[],
        help="Hosts (by their exact name) and networks (such as 10.0.0.0/8) from which files may "
        "be fetched although their addresses are private, loopback or link-local. Whoever may "
        "create a reference can make the service speak to all of them.",
    ),
    cfg.StrOpt(
        "ca_file",
        help="File with the certificates (PEM) of the authorities to trust, instead of the "
        "system's. SSL_CERT_FILE in the environment does the same.",
    ),
    cfg.FloatOpt(
        "timeout",
        default=10.0,
        min=0.1,
        help="Seconds that fetching one file may take in all, redirects and retries included.",
    ),
    cfg.IntOpt(
        "max_bytes", default=2**20, min=1, help="The largest file that is fetched, in bytes."
    ),
    cfg.IntOpt(
        "parallel", default=8, min=1, help="How many files are fetched at once for a bundle."
    ),
    cfg.IntOpt(
        "max_age",
        default=60,
        min=0,
        help="Seconds for which a fetched file is taken for current without asking again.",
    ),
    cfg.BoolOpt(
        "serve_stale",
        default=False,
        help="When a server cannot be reached, use the last copy of the file, and say so in the "
        "manifest, instead of failing the bundle.",
    ),
    cfg.IntOpt(
        "cache_bytes",
        default=256 * 2**20,
        min=0,
        help="How much of fetched files to keep under state_path/references, in bytes; what was "
        "not used for the longest time goes first.",
    ),
)


def options() -> dict[str, Sequence[cfg.Opt]]:
    """Return the options that every fetcher shares, by group."""
    return {GROUP: OPTIONS}
