"""Requests to every route, mostly of the right form, and of others."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from craton.filters import NAMES
from tests.fuzz import values
from tests.fuzz.exchange import Request
from tests.fuzz.stage import IDS

# -- paths -------------------------------------------------------------------------------------

_segment = st.one_of(values.known, values.known, values.known, values.names)


def _quoted(text: str) -> str:
    return quote(text.encode(errors="surrogatepass"), safe="")


_escaped = _segment.map(_quoted)
_wild = st.one_of(
    _escaped,
    st.sampled_from(["", ".", "..", "%2e%2e", "%2f", "%00", "%ff", "%c0%af", "%", "%zz", "a%2Fb",
                     ";x", "%25", "v1", "index", "x" * 3000]),
)  # fmt: skip
_parents = {
    "tenants": None,
    "regions": "tenants",
    "hosts": "regions",
    "groups": "regions",
    "secrets": "hosts",
    "references": "regions",
}
_PARTS = ("/variables", "/variables/colour", "/payload", "/refresh", "/hosts", "/hosts/h1",
          "/children", "/children/db")  # fmt: skip


def _id(collection: str) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(IDS[collection]), st.sampled_from(IDS[collection]), _escaped)


@st.composite
def _paths(draw: st.DrawFn, collection: str) -> str:
    parent = _parents[collection]
    path = f"/v1/{collection}" + (f"/{draw(_id(parent))}" if parent else "")
    if draw(st.booleans()):
        path += f"/{draw(_id(collection))}"
        if draw(st.booleans()):
            path += draw(st.sampled_from(_PARTS))
            if path.endswith("/variables") and draw(st.booleans()):
                path += "/" + _quoted(draw(values.variables))
    return path


wild_paths = st.one_of(
    st.lists(_wild, max_size=6).map(lambda parts: "/" + "/".join(parts)),
    st.lists(_wild, max_size=4).map(lambda parts: "/v1/hosts/" + "/".join(parts)),
    st.sampled_from(["/", "/v1", "/v1/", "//v1", "/healthcheck", "/metrics", "/v1/capabilities",
                     "/v1/openapi.json", "/ui", "/ui/", "/ui/index.html", "/ui/../craton.conf"]),
)  # fmt: skip

# -- queries -----------------------------------------------------------------------------------

_flags = st.sampled_from(["true", "false", "true", "1", "", "True"])
_limits = st.sampled_from(["1", "2", "1000", "1001", "0", "-1", "01", "9" * 19, "1e1", "²", ""])
_sorts = st.sampled_from(["name", "-name", "created_at", "-updated_at", "id", "priority", "x", "-"])


def token(fingerprint: object, value: object, id: object) -> str:
    """Make what a page token looks like."""
    document = json.dumps([fingerprint, value, id])
    return base64.urlsafe_b64encode(document.encode()).decode().rstrip("=")


_MOMENTS = ["9999-12-31T23:59:59.999999+00:00", "0001-01-01T00:00:00+00:00", "2026-01-01",
            "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:59"]  # fmt: skip


_times = st.one_of(
    st.sampled_from(_MOMENTS),
    st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    values.texts,
)


def _markers(fingerprints: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(
            token,
            st.one_of(st.sampled_from(fingerprints), values.scalars),
            st.one_of(st.sampled_from(_MOMENTS), values.scalars),
            st.one_of(values.known, values.scalars),
        ),
        st.binary(max_size=20).map(lambda octets: base64.urlsafe_b64encode(octets).decode()),
        values.texts,
    )


def queries(fingerprints: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Make queries; the fingerprints are those of page tokens that the service gave."""
    by_name: dict[str, st.SearchStrategy[str]] = {
        **dict.fromkeys(NAMES, values.names),
        "vars": values.filters,
        "active": _flags,
        "resolved": _flags,
        "explain": _flags,
        "recursive": _flags,
        "variables": _flags,
        "cascade": _flags,
        "dry_run": _flags,
        "limit": _limits,
        "sort": _sorts,
        "marker": _markers(fingerprints),
        "target": st.sampled_from(["taskflow", "ansible", "x"]),
        "secrets": st.sampled_from(["include", "omit", "x"]),
        "mode": st.sampled_from(["merge", "replace", "x"]),
        "expect_max_deletes": _limits,
        "since": _times,
        "until": _times,
        "operation": values.texts,
        "entity_kind": values.names,
        "user_id": values.names,
        "state": st.sampled_from(["accepted", "running", "x"]),
        "host": values.names,
        "after": st.one_of(_limits, values.texts),
        "colour": values.texts,
    }
    pair = st.sampled_from(sorted(by_name)).flatmap(
        lambda name: st.tuples(st.just(name), by_name[name])
    )
    whole = st.lists(pair, max_size=3).map(_query)
    broken = st.sampled_from(
        ["a", "=", "&&", "%zz=1", "name=%ff", "name=%", "a=b=c", "name=a;b=c", "é"]
    )
    filter_ = st.lists(values.filters, min_size=1, max_size=3).flatmap(
        lambda texts: st.sampled_from(["", "&resolved=true"]).map(
            lambda end: _query([("vars", text) for text in texts]) + end
        )
    )
    return st.one_of(st.just(""), st.just(""), whole, whole, filter_, broken)


def _query(pairs: list[tuple[str, str]]) -> str:
    return "&".join(f"{name}={_quoted(value)}" for name, value in pairs)


# -- header fields -----------------------------------------------------------------------------

_latin = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=10
)
_tags = st.one_of(
    st.sampled_from(["*", '"x"', 'W/"x"', '"a", "b"', '"', "", ",", '"x" "y"']), _latin
)
_odd_headers: dict[str, st.SearchStrategy[str]] = {
    "If-Match": _tags,
    "If-None-Match": _tags,
    "Idempotency-Key": st.one_of(st.sampled_from(['"k1"', "k2", '""', '"' + "x" * 300]), _latin),
    "Accept": st.one_of(
        st.sampled_from(
            ["*/*", "application/json", "text/html", "", "application/*;q=0", "a/b,,;"]
        ),
        _latin,
    ),
    "Cache-Control": st.one_of(st.sampled_from(["no-cache", "max-age=0", ",,"]), _latin),
    "Content-Encoding": st.sampled_from(["identity", "gzip", "x"]),
    "X-Openstack-Request-Id": _latin,
    "X-Forwarded-For": _latin,
    "X-Forwarded-Proto": st.sampled_from(["https", "x"]),
    "X-Roles": st.just("admin"),
    "X-Auth-Token": _latin,
    "Authorization": st.sampled_from(["Basic x", "Basic eDp5", "Bearer x", "x"]),
    "Range": st.sampled_from(["bytes=0-1", "bytes=-1", "x"]),
    "Host": st.sampled_from(["a", "a:b", "é", ""]),
}
_content_types = st.one_of(
    st.just("application/json"),
    st.just("application/json"),
    st.just("application/json"),
    st.sampled_from(
        ["application/merge-patch+json", "application/octet-stream", "text/plain", "",
         "application/json; charset=latin-1", "application/json; charset=utf-8; a=b", ";", "a/b/c",
         "application/json;charset*=x''y"]
    ),
)  # fmt: skip
_headers: st.SearchStrategy[Mapping[str, str]] = st.one_of(
    st.just({}),
    st.just({}),
    st.sampled_from(sorted(_odd_headers)).flatmap(
        lambda name: _odd_headers[name].map(lambda value: {name: value.strip()})
    ),
)

# -- requests ----------------------------------------------------------------------------------

_methods = st.sampled_from(["GET", "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
_rare = st.sampled_from(["OPTIONS", "TRACE", "BREW", "get", "PROPFIND", "X" * 40])


def requests(fingerprints: tuple[str, ...]) -> st.SearchStrategy[Request]:
    """Make requests of every kind."""
    query = queries(fingerprints)
    region = _id("regions")
    collections = [
        _request(_methods, _paths(collection), query, values.encoded(_bodies(collection)))
        for collection in _parents
    ]
    payload = _request(
        st.sampled_from(["GET", "PUT"]),
        st.just("/v1/secrets/h1/s/payload"),
        st.just(""),
        st.one_of(st.binary(max_size=50), st.just(b"-----BEGIN PRIVATE KEY-----\nMII=")),
        st.just("application/octet-stream"),
    )
    bundles = _request(
        st.sampled_from(["GET", "GET", "HEAD"]),
        st.builds(
            lambda id, end: f"/v1/inventory/{id}{end}",
            region,
            st.sampled_from([".tgz", ".zip", ".json", ".tar", ""]),
        ),
        query,
        st.just(b""),
    )
    imports = _request(
        st.just("POST"),
        region.map("/v1/inventory/{}".format),
        query,
        values.encoded(values.exports),
    )
    batch = _request(
        st.just("POST"),
        region.map("/v1/batch/{}".format),
        st.just(""),
        values.encoded(values.batches),
    )
    follows = _request(
        _methods,
        st.one_of(
            region.map("/v1/changes/{}".format),
            region.map("/v1/runs/{}".format),
            st.builds(
                "/v1/runs/{}/{}{}".format,
                region,
                _escaped,
                st.sampled_from(["", "/hosts", "/events"]),
            ),
            st.just("/v1/playbooks"),
            st.just("/v1/hosts/r/h1/reachability"),
        ),
        query,
        values.encoded(values.runs),
    )
    wild = _request(st.one_of(_methods, _rare), wild_paths, query, values.raw)
    return st.one_of(*collections, payload, bundles, imports, imports, batch, batch, follows, wild)


def _bodies(collection: str) -> st.SearchStrategy[Any]:
    one = values.entity(values.OF_KIND[collection])
    return st.one_of(one, one, values.objects, values.values)


def _request(
    methods: st.SearchStrategy[str],
    paths: st.SearchStrategy[str],
    query: st.SearchStrategy[str],
    bodies: st.SearchStrategy[bytes],
    content_types: st.SearchStrategy[str] = _content_types,
) -> st.SearchStrategy[Request]:
    @st.composite
    def made(draw: st.DrawFn) -> Request:
        method = draw(methods)
        headers = dict(draw(_headers))
        body = b""
        if method in {"POST", "PUT", "PATCH"}:
            body = draw(bodies)
            content_type = draw(content_types)
            if content_type:
                headers["Content-Type"] = content_type
        return Request(method, draw(paths), draw(query), headers, body)

    return made()
