"""Referenced files: customers' variables that live in repositories of their own.

:class:`References` fetches them, :func:`variables_of` reads them as Ansible would. A scheme of URLs
is added by an entry point of the group ``craton.references``; :mod:`craton.references.fetcher` says
what it leads to. Git and Swift need the extra ``references``.
"""

from craton.references.allowance import FetchFailed
from craton.references.document import variables_of
from craton.references.fetcher import Document, Fetcher
from craton.references.service import Fetched, References, Wanted, list_opts

__all__ = [
    "Document",
    "FetchFailed",
    "Fetched",
    "Fetcher",
    "References",
    "Wanted",
    "list_opts",
    "variables_of",
]
