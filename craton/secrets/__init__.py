"""What keeps the payloads of secrets from everybody who reads the store.

A payload is sealed before a driver sees it, and opened after; the driver keeps a text that says
nothing. The text opens for the host and the name that it was sealed for, and for no other.
"""

from craton.secrets.description import Description, describe
from craton.secrets.loading import load_secret_store
from craton.secrets.store import MAX_PAYLOAD, MAX_SEALED, SecretStore

__all__ = [
    "MAX_PAYLOAD",
    "MAX_SEALED",
    "Description",
    "SecretStore",
    "describe",
    "load_secret_store",
]
