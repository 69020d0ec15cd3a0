"""``swift://container/object``: an object of OpenStack's object storage.

Keystone is asked for a token and for where the storage is by keystoneauth1, which every OpenStack
service is configured through. The object itself is what a customer put there, so it is fetched like
everything else: python-swiftclient would follow its headers, and inflate what says it is deflated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote

import requests
from keystoneauth1 import exceptions, loading
from keystoneauth1.session import Session as KeystoneSession
from oslo_config import cfg
from requests.adapters import HTTPAdapter

from craton.errors import ConfigurationError, InvalidValue
from craton.references.allowance import FetchFailed
from craton.references.fetcher import Document, Fetcher
from craton.references.http import Answer, Session
from craton.references.https import conditions, document
from craton.references.urls import scheme_of

GROUP: Final = "swift"

#: Ways to prove who the service is; others can be named, and bring options of their own.
_AUTH_TYPES: Final = ("v3password", "v3applicationcredential")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an object is."""

    container: str
    name: str


class SwiftFetcher(Fetcher):
    """Fetches from Swift with the service's own credentials."""

    def __init__(self, settings: cfg.ConfigOpts) -> None:
        super().__init__(settings)
        try:
            self._auth: Any = loading.load_auth_from_conf_options(settings, GROUP)
        except (exceptions.ClientException, cfg.Error) as error:
            raise ConfigurationError(f"[swift]: {error}") from error
        if not getattr(self._auth, "auth_url", "https://").startswith("https://"):
            raise ConfigurationError("[swift] auth_url: must begin with https://")

    @classmethod
    def options(cls) -> dict[str, Sequence[cfg.Opt]]:
        known = {option.dest: option for option in loading.get_auth_common_conf_options()}
        for auth_type in _AUTH_TYPES:
            for option in loading.get_auth_plugin_conf_options(auth_type):
                known.setdefault(option.dest, option)
        return {
            GROUP: (
                *known.values(),
                cfg.StrOpt("region_name", help="The region of the catalog to look in."),
                cfg.StrOpt(
                    "interface",
                    default="public",
                    choices=["public", "internal", "admin"],
                    help="Which of the catalog's endpoints to use; it must be an https one.",
                ),
            )
        }

    def check(self, url: str) -> None:
        place_of(url)
        if self._auth is None:
            raise InvalidValue("url", "has a scheme that is not configured: set [swift] auth_type")

    def fetch(self, url: str, known: Mapping[str, str], http: Session) -> Document:
        place = place_of(url)
        answer = self._get(place, known, http)
        if answer.status == 401:
            # The token may have been revoked before its time.
            self._auth.invalidate()
            answer = self._get(place, known, http)
        return document(answer, known)

    def _get(self, place: Place, known: Mapping[str, str], http: Session) -> Answer:
        token, storage = self._entrance(http)
        http.exempt(storage)
        return http.get(
            f"{storage}/{quote(place.container, safe='')}/{quote(place.name)}",
            headers=conditions(known),
            secrets={"X-Auth-Token": token},
        )

    def _entrance(self, http: Session) -> tuple[str, str]:
        """Return a token, and where the account of the service is."""
        options = self.settings[GROUP]
        try:
            with closing(http.trusting()) as trusting:
                session = KeystoneSession(auth=self._auth, session=_requests(trusting))
                token = session.get_token()
                storage = session.get_endpoint(
                    service_type="object-store",
                    interface=options.interface,
                    region_name=options.region_name,
                )
        except exceptions.ClientException as error:
            away = isinstance(error, exceptions.ConnectionError | exceptions.HttpServerError)
            raise FetchFailed(
                "needs a token that Keystone does not give to the service", temporary=away
            ) from error
        if not storage or not storage.startswith("https://"):
            raise FetchFailed("is in a storage that the catalog does not offer by https")
        return str(token), storage.rstrip("/")


def place_of(url: str) -> Place:
    """Take a URL apart.

    Raises:
        InvalidValue: It is not of the form of the module's first line.
    """
    if scheme_of(url) != "swift" or "?" in url or "#" in url:
        raise InvalidValue("url", "must have the form swift://container/object")
    container, _, name = url.partition("://")[2].partition("/")
    container, name = unquote(container), unquote(name)
    if not container or not name or "/" in container or not (container + name).isprintable():
        raise InvalidValue("url", "must name a container and an object in it")
    if {".", ".."} & {container, *name.split("/")}:
        # On the way to the server a path is shortened by them, and would leave the container.
        raise InvalidValue("url", "must not have . or .. in the name of an object")
    return Place(container=container, name=name)


class _Adapter(HTTPAdapter):
    """Lets requests, and so keystoneauth1, speak through a session of references."""

    def __init__(self, http: Session) -> None:
        super().__init__()
        self._http = http

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        body = request.body.encode() if isinstance(request.body, str) else request.body
        response, _url = self._http.open(
            request.method or "GET", request.url or "", headers=request.headers, body=body
        )
        return self.build_response(request, response)


def _requests(http: Session) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.adapters.clear()
    session.mount("https://", _Adapter(http))
    return session
