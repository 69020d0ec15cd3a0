"""From ``[secrets] store`` to a secret store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from oslo_config import cfg

from craton import loader
from craton.loader import Sort
from craton.secrets.store import SecretStore

SECRET_STORE: Final[Sort[SecretStore]] = Sort(
    namespace="craton.secret_stores",
    base=SecretStore,  # type: ignore[type-abstract]
    called="secret store",
    option="[secrets] store",
    extra="secrets",
)


def load_secret_store(conf: cfg.ConfigOpts, name: str | None = None) -> SecretStore:
    """Make a secret store, by default the one that ``[secrets] store`` names; it is not started.

    Raises:
        DriverNotFound, DriverNotLoadable, ContractMismatch, ConfigurationError: As for
            :func:`craton.loader.load`.
    """
    return loader.made(SECRET_STORE, conf, name or conf.secrets.store)


def list_opts() -> list[tuple[str, Sequence[cfg.Opt]]]:
    """Return the options of Craton's own stores, for the generator of the sample configuration."""
    return loader.own_options(SECRET_STORE.namespace)
