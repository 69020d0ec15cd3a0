"""Which URLs may be a reference."""

from __future__ import annotations

from pathlib import Path

import pytest

from craton import config
from craton.errors import ConfigurationError, InvalidValue
from craton.references import References
from craton.references.swift import place_of
from craton.references.urls import shown


@pytest.mark.parametrize(
    "url",
    """
    https://example.org/vars.yml
    https://example.org
    HTTPS://Example.ORG:8443/a%20b/c.yml?x=1&y=%2F
    https://8.8.8.8/vars.yml
    https://[2606:4700:4700::1111]:443/vars.yml
    https://xn--bcher-kva.example/vars.yml
    https://a_b.example.org./vars.yml
    git+https://example.org/team/vars#web.yml
    git+https://example.org/team/vars.git@main#group_vars/web.yml
    git+https://example.org/team/vars@feature/x#a%20b/web.yml
    git+https://example.org/a@b/vars@1111111111111111111111111111111111111111#x
    github://acme/vars/group_vars/web.yml
    github://acme/vars/web.yml?ref=main
    github://007/_.x-/a%20b.yml?ref=v1%2B2
    """.split(),
)
def test_a_url_that_is_fetched_is_let_pass(references: References, url: str) -> None:
    references.check_url(url)


BAD = """
    example.org/vars.yml //example.org/x https:/example.org/x https:example.org https:// https:///x
    http://example.org/x file:///etc/passwd gopher://example.org/x ftp://example.org/x
    ssh://example.org/x data:text/plain,x javascript://x dict://localhost:11211/stat ldap://x/
    unix:///run/x https+unix://x

    https://user@example.org/x https://user:secret@example.org/x https://@example.org/x
    https://example.org@127.0.0.1/x https://127.0.0.1#@example.org/
    https://example.org\\@127.0.0.1/ https://example.org/x#fragment
    https://example.org:0/ https://example.org:65536/ https://example.org:/
    https://example.org:80:443/ https://exa%6dple.org/ https://example..org/ https://-x.org/
    https://x-.org/ https://example.org/%zz

    https://127.0.0.1/ https://127.0.0.1:8443/ https://10.0.0.1/ https://169.254.169.254/latest
    https://0.0.0.0/ https://100.64.0.1/ https://224.0.0.1/ https://255.255.255.255/
    https://2130706433/ https://0x7f000001/ https://0x7f.0.0.1/ https://0177.0.0.1/ https://127.1/
    https://0/ https://127.0.1/ https://1.2.3.4.5/ https://256.1.1.1/ https://127.0.0.1./
    https://0x7f.1./ https://08.8.8.8/
    https://[::1]/ https://[::]/ https://[fe80::1]/ https://[fe80::1%25eth0]/ https://[fc00::1]/
    https://[::ffff:127.0.0.1]/ https://[::ffff:8.8.8.8]/ https://[::127.0.0.1]/
    https://[64:ff9b::7f00:1]/ https://[2002:7f00:1::]/ https://[::1/ https://::1/
    https://[127.0.0.1]/ https://[v1.x]/ https://[]/

    git://example.org/x#y git+ssh://example.org/x#y git+http://example.org/x#y git+file:///x#y
    git+ext::sh#y git+https://example.org#y git+https://example.org/x git+https://example.org/x#
    git+https://example.org/@main#y git+https://user@example.org/x#y git+https://127.0.0.1/x#y
    git+https://example.org/x?y#z git+https://example.org/x@--upload-pack=id#y
    git+https://example.org/x@-c#y git+https://example.org/x@#y git+https://example.org/x@a..b#y
    git+https://example.org/x@a~1#y git+https://example.org/x@a:b#y
    git+https://example.org/x@main#../y git+https://example.org/x@main#/y
    git+https://example.org/x@main#a//b git+https://example.org/x@main#a/./b
    git+https://example.org/x@main#%2e%2e/y git+https://example.org/x#a%00
    git+https://example.org/x@a%00b#y git+https://example.org/x@a%20b#y
    git+https://example.org/x#a%ff

    github://acme github://acme/vars github://acme/vars/ github:///vars/x github://acme//x
    github://acme/../x github://acme/vars/../x github://acme/vars/a//b
    github://acme/vars/%2e%2e/x github://acme/vars/a%2fb github://acme/vars/x?ref=
    github://acme/vars/x?branch=x github://acme/vars/x?ref=a&b=c github://acme/vars/x#y
    github://user@acme/vars/x github://acme:1/vars/x github://acme/vars/a%00b github://[x/y/z

    swift://vars swift://vars/ swift:///x swift://vars/a/../../b/c swift://vars/%2e%2e/c
    swift://../x swift://vars/./x swift://vars/x?y swift://vars/x#y swift://a%2fb/x
    swift://vars/a%00b swift://vars/x
    """.split()

#: Swift is not configured here, so what it takes is asked of its own check.
BAD_OBJECTS = [url for url in BAD if url.startswith("swift:") and url != "swift://vars/x"]

#: What some readers would take for the digits, letters and dots that they look like.
LOOKALIKES = [
    "https://\u24d4xample.org/",
    "https://\uff11\uff12\uff17.0.0.1/",
    "https://example\u3002org/",
    "https://example.org/\u00e9",
]


@pytest.mark.parametrize(
    "url",
    [
        *BAD,
        *LOOKALIKES,
        "",
        " https://example.org/",
        "https://example.org/a b",
        "https://example.org/\n",
        "https://exam\tple.org/",
        "https://example.org/\0",
        "https://example.org/" + "a" * 2048,
    ],
)
def test_any_other_is_refused_at_once(references: References, url: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        references.check_url(url)
    assert caught.value.field == "url"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", BAD_OBJECTS)
def test_an_object_stays_in_its_container(url: str) -> None:
    with pytest.raises(InvalidValue):
        place_of(url)


def test_an_object_is_named_as_swift_names_it() -> None:
    place = place_of("swift://a%20b/c%C3%A9/d..e/%3F.yml")
    assert (place.container, place.name) == ("a b", "c\u00e9/d..e/?.yml")


def test_an_unknown_scheme_names_those_that_there_are(references: References) -> None:
    with pytest.raises(InvalidValue, match=r"\(git, github, https, swift\), not sftp"):
        references.check_url("sftp://example.org/x")


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        ("127.0.0.1", "https://127.0.0.1/"),
        ("10.0.0.0/8", "git+https://10.1.2.3/x#y"),
        ("::1", "https://[::1]:8443/"),
        ("fd00::/8, 10.0.0.0/8", "https://[fd00::1]/"),
    ],
)
def test_an_address_can_be_exempted(tmp_path: Path, allow: str, url: str) -> None:
    settings = config.settings(files=[], state_path=str(tmp_path))
    References(settings)
    settings.set_override("allow", allow.split(", "), "references")
    References(settings).check_url(url)
    with pytest.raises(InvalidValue):
        References(settings).check_url("https://192.168.0.1/")


@pytest.mark.parametrize(
    "entry", ["10.0.0.0/33", "10.0.0.1/8", "*.example.org", "a b", "https://x", ""]
)
def test_an_exemption_that_exempts_nothing_stops_the_service(tmp_path: Path, entry: str) -> None:
    settings = config.settings(files=[], state_path=str(tmp_path))
    References(settings)
    settings.set_override("allow", [entry], "references")
    with pytest.raises(ConfigurationError, match="allow"):
        References(settings)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://example.org/x", "https://example.org/x"),
        ("https://example.org/x?token=s3cret", "https://example.org/x?…"),
        ("https://user:s3cret@example.org/x?y", "https://…@example.org/x?…"),
        ("git+https://example.org/x@main#a/b", "git+https://example.org/x@main#a/b"),
        ("git+https://example.org/x?s3cret#a", "git+https://example.org/x?…#a"),
        ("https://example.org/#a?s3cret", "https://example.org/#a"),
    ],
)
def test_messages_show_no_credentials(url: str, text: str) -> None:
    assert shown(url) == text


@pytest.mark.parametrize(
    "url", ["https://user:secret@example.org/x", "git+https://token@example.org/x#y"]
)
def test_whoever_writes_a_password_into_a_url_is_told_where_it_belongs(
    references: References, url: str
) -> None:
    with pytest.raises(InvalidValue, match="credentials are configured"):
        references.check_url(url)
