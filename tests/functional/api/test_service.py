"""What the service says of itself, and that it is true."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from craton import config
from craton.api.app import make_service
from craton.api.controllers.resource import METHODS
from craton.api.controllers.tree import tree
from craton.api.limits import Limits
from craton.api.metrics import Metrics
from craton.api.openapi import openapi
from craton.api.routes import table
from craton.driver import InventoryDriver
from craton.errors import BackendFault, Unavailable
from craton.models import INVENTORY_KINDS, specs
from tests.functional.api.client import Client
from tests.functional.api.conftest import Paths


def test_versions_lead_on(api: Client) -> None:
    answer = api.get("/")
    assert answer.json == api.get("/v1").json
    (version,) = answer.json["versions"]
    assert (version["id"], version["status"]) == ("v1", "CURRENT")
    for link in version["links"]:
        api.get(link["href"])


def test_capabilities_are_the_drivers(
    api: Client, configured: Callable[..., Client], driver: InventoryDriver, backend: str
) -> None:
    answer = configured(max_limit=7, require_if_match=True).get("/v1/capabilities").json
    assert answer["contract"] == 1
    assert answer["driver"] == backend
    assert set(answer["capabilities"]) == {one.value for one in driver.capabilities.supported}
    assert answer["writable"] == ["group", "host", "region", "tenant"]
    assert answer["limits"] == {
        "max_limit": 7,
        "max_body_bytes": 32 * 2**20,
        "max_import_bytes": 256 * 2**20,
        "max_batch_changes": 10_000,
        "max_page_bytes": 32 * 2**20,
        "max_concurrent_bundles": 4,
        "request_seconds": 60,
        "bundle_seconds": 600,
        "require_if_match": True,
        "idempotency_key_hours": 24,
    }


class TestHealth:
    """/healthcheck tells whether the store answers."""

    def test_is_good_while_the_store_answers(self, api: Client, backend: str) -> None:
        answer = api.get("/healthcheck").json
        assert answer == {"status": "ok", "driver": backend, "runs": "ok"}

    @pytest.mark.parametrize(
        "error", [Unavailable("away", retry_after=7), BackendFault("password=hunter2")]
    )
    def test_is_bad_while_it_does_not(
        self,
        api: Client,
        driver: InventoryDriver,
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
    ) -> None:
        def fail() -> None:
            raise error

        monkeypatch.setattr(driver, "_ping", fail)
        answer = api.get("/healthcheck", 503)
        assert answer.json["code"] == "unavailable"
        assert int(answer.headers["Retry-After"]) > 0
        assert "hunter2" not in answer.text


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }


class TestOpenApi:
    """/v1/openapi.json is true."""

    def test_is_valid(self, api: Client) -> None:
        document = api.get("/v1/openapi.json").json
        assert document["openapi"].startswith("3.1")
        validate(document)
        ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
        assert len(ids) == len(set(ids))

    @pytest.mark.parametrize(
        ("strategy", "scheme"), [("http_basic", "basic"), ("keystone", "X-Auth-Token")]
    )
    def test_tells_how_to_prove_who_one_is(self, strategy: str, scheme: str) -> None:
        routes = table(Limits.of(config.settings(files=[]))).values()
        document: Any = openapi(routes, auth_strategy=strategy, require_if_match=True)
        validate(document)
        (known,) = document["components"]["securitySchemes"].items()
        assert document["security"] == [{known[0]: []}]
        assert scheme in known[1].values()
        hosts = document["paths"]["/v1/hosts/{region_id}/{id}"]
        assert {"401", "403"} <= hosts["get"]["responses"].keys()
        assert {"$ref": "#/components/parameters/RequiredIfMatch"} in hosts["put"]["parameters"]
        assert "428" in hosts["put"]["responses"]
        for path in ("/", "/v1", "/v1/openapi.json", "/healthcheck"):
            assert document["paths"][path]["get"]["security"] == []
            assert "401" not in document["paths"][path]["get"]["responses"]

    def test_every_example_is_as_described(self, api: Client) -> None:
        document = api.get("/v1/openapi.json").json
        schemas = document["components"]["schemas"]
        found = [(name, one) for name, s in schemas.items() for one in s.get("examples", ())]
        assert len(found) >= 9
        for name, example in found:
            schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
            Draft202012Validator(schema).validate(example)

    def test_has_every_route_and_no_other(self, api: Client, driver: InventoryDriver) -> None:
        service = make_service(driver, driver.settings)
        answered = {
            (method, path)
            for path, resource in tree(service, Metrics(), {}).walk()
            for method in resource.methods
            if not path.startswith("/ui")
        }
        assert answered == operations(api.get("/v1/openapi.json").json)

    def test_every_documented_route_answers(self, api: Client, paths: Paths) -> None:
        for method, path in operations(api.get("/v1/openapi.json").json):
            values = {"tenant_id": paths.tenant, "region_id": paths.region}
            concrete = re.sub(r"{(\w+)}", lambda part: values.get(part[1], "nothing"), path)  # noqa: B023
            body: dict[str, object] | None = {} if method in {"POST", "PUT", "PATCH"} else None
            answer = api.request(method, concrete, body)
            assert answer.status_int < 500
            if answer.status_int >= 400:
                assert answer.json["code"] not in {"no_such_path", "method_not_allowed"}

    def test_has_every_field_of_every_entity(self, api: Client) -> None:
        schemas = api.get("/v1/openapi.json").json["components"]["schemas"]
        for kind in INVENTORY_KINDS:
            for name in (kind.__name__, f"{kind.__name__}Body", f"{kind.__name__}Patch"):
                assert schemas[name]["properties"].keys() == specs(kind).keys()
            assert schemas[f"{kind.__name__}Body"]["required"] == ["name"]
        host = schemas["HostBody"]["properties"]
        assert host["ssh_port"]["type"] == ["integer", "null"]
        assert (host["ssh_port"]["minimum"], host["ssh_port"]["maximum"]) == (1, 65535)
        assert host["active"]["default"] is True
        assert host["revision"]["readOnly"] is True

    def test_has_the_parameters_that_are_accepted(self, api: Client, paths: Paths) -> None:
        document = api.get("/v1/openapi.json").json
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                query = {one["name"] for one in operation["parameters"] if one.get("in") == "query"}
                values = {"tenant_id": paths.tenant, "region_id": paths.region}
                concrete = re.sub(r"{(\w+)}", lambda part: values.get(part[1], "nothing"), path)  # noqa: B023
                refused = api.request(method.upper(), f"{concrete}?colour=1").json
                known = set(refused["detail"].partition("known: ")[2].split(", ")) - {"none"}
                assert known == query, path


class TestMetrics:
    """/metrics counts by route."""

    def test_counts_by_route_method_and_status(self, api: Client, paths: Paths) -> None:
        api.get(f"{paths.hosts}/x", 404)
        api.get(f"{paths.hosts}/y", 404)
        api.get("/no/where", 404)
        api.bare("BREW", paths.hosts)
        text = api.app.get("/metrics").text
        for labels, count in {
            'method="GET",route="/v1/hosts/{region_id}/{id}",status="404"': 2,
            'method="POST",route="/v1/tenants",status="201"': 1,
            'method="GET",route="other",status="404"': 1,
            'method="other",route="/v1/hosts/{region_id}",status="501"': 1,
        }.items():
            assert f"craton_http_requests_total{{{labels}}} {count}.0" in text
        assert "craton_http_request_duration_seconds_bucket" in text
        assert paths.region not in text

    def test_random_paths_make_no_series(self, api: Client, paths: Paths) -> None:
        def series() -> int:
            return len(api.app.get("/metrics").text.splitlines())

        def visit(number: int) -> None:
            for path in (f"/x{number}", f"/v1/x{number}", f"{paths.hosts}/x{number}",
                         f"/v1/hosts/x{number}", f"/v1/tenants?x{number}=1"):  # fmt: skip
                api.request("GET", path)
            api.bare("BREW" + "X" * number, "/v1")

        api.app.get("/metrics")
        visit(1)
        before = series()
        for number in range(2, 30):
            visit(number)
        assert series() == before

    def test_errors_are_counted_too(
        self, api: Client, driver: InventoryDriver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(driver, "_select", fail)
        api.get("/v1/tenants", 500)
        assert 'route="/v1/tenants",status="500"} 1.0' in api.app.get("/metrics").text


def test_every_route_of_the_table_has_a_known_method(driver: InventoryDriver) -> None:
    assert {method for method, _ in table(Limits.of(driver.settings))} == set(METHODS)
