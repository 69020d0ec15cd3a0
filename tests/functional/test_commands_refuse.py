"""What the commands say when they cannot do it: one line, what to do, and the right exit code."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from craton import config
from craton.cmd import service
from craton.errors import ConfigurationError
from tests.functional.commands import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize(
    ("configuration", "says"),
    [
        ("[inventory]\ndriver = nope", "'nope'; installed: "),
        ("[api]\nport = many", "many"),
        ("[api\nport = 1", "craton.conf"),
        (
            "[inventory]\ndriver = memory\n[api]\nhost = 0.0.0.0",
            "[api] allow_noauth_remote",
        ),
        ("[database]\nconnection = oracle://", "[database]"),
        ("", "craton-manage db upgrade"),
    ],
)
def test_the_api_refuses_in_one_line(place: Place, configuration: str, says: str) -> None:
    place.state.mkdir()
    done = place.run("craton-api", "--config-file", place.configuration(configuration))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("craton-api: ")
    assert says in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_noauth_listens_to_this_machine_alone(host: str) -> None:
    with pytest.raises(ConfigurationError, match="allow_noauth_remote"):
        service.listen(config.settings(files=[], api__host=host, api__port=0))


@pytest.mark.parametrize(
    "options",
    [
        {"api__host": "127.0.0.1"},
        {"api__host": "localhost"},
        {"api__host": "0.0.0.0", "api__allow_noauth_remote": True},
    ],
)
def test_where_the_api_may_listen_it_does(options: dict[str, object]) -> None:
    with service.listen(config.settings([], [], api__port=0, **options)) as listener:
        assert listener.getsockname()[1] != 0


def test_a_host_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no\.such\.host\.invalid"):
        service.listen(config.settings(files=[], api__host="no.such.host.invalid"))


def test_a_configuration_file_that_is_missing_is_named(place: Place) -> None:
    done = place.run("craton-server", "--config-file", "missing.conf")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "missing.conf" in done.stderr


def test_a_state_directory_that_cannot_be_is_named(place: Place) -> None:
    place.state.touch()
    done = place.run("craton-server", "--state-path", str(place.state))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert str(place.state) in done.stderr


def test_a_port_that_is_taken_is_named(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = place.run("craton-server", "--state-path", str(place.state), "--port", str(port))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"port {port}" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [("craton-api", "extra"), ("craton-server", "--port", "x"), ("craton-manage", "db", "fly")],
)
def test_arguments_that_make_no_sense_exit_with_2(place: Place, arguments: tuple[str, str]) -> None:
    done = place.run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


def test_a_password_in_the_configuration_is_not_shown(place: Place) -> None:
    url = "mysql+pymysql://craton:s3cr3t@127.0.0.1:1/craton"
    done = place.run(
        "craton-api", "--config-file", place.configuration(f"[database]\nconnection = {url}")
    )
    assert done.returncode == 1
    assert "s3cr3t" not in done.stdout + done.stderr
