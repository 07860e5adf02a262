"""References: the grammar of distribution/reference, Docker's normalisation, and each way to be wrong."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatekeeper.core.digest import Digest
from gatekeeper.core.errors import MalformedError
from gatekeeper.core.reference import (
    Reference,
    Repository,
    canonical_host,
    parse_reference,
    parse_repository,
    parse_tag,
)

HEX = "0123456789abcdef" * 4
SHA = f"sha256:{HEX}"
SHA512 = f"sha512:{HEX}{HEX}"

ACCEPTED = [
    ("nginx", "docker.io/library/nginx:latest"),
    ("nginx:1.27", "docker.io/library/nginx:1.27"),
    ("library/nginx", "docker.io/library/nginx:latest"),
    ("team/app", "docker.io/team/app:latest"),
    ("docker.io/nginx", "docker.io/library/nginx:latest"),
    ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
    ("registry-1.docker.io/library/nginx", "docker.io/library/nginx:latest"),
    ("registry.hub.docker.com/team/app", "docker.io/team/app:latest"),
    ("DOCKER.IO/library/nginx", "docker.io/library/nginx:latest"),
    ("docker.io:443/nginx", "docker.io/library/nginx:latest"),
    ("localhost", "docker.io/library/localhost:latest"),
    ("localhost/app", "localhost/app:latest"),
    ("LOCALHOST/app", "localhost/app:latest"),
    ("localhost:5000/app", "localhost:5000/app:latest"),
    ("test.com:5000", "docker.io/library/test.com:5000"),
    ("GHCR.io/team/app:v1", "ghcr.io/team/app:v1"),
    ("ghcr.io:443/team/app:v1", "ghcr.io/team/app:v1"),
    ("ghcr.io:00443/team/app:v1", "ghcr.io/team/app:v1"),
    ("ghcr.io:80/team/app:v1", "ghcr.io:80/team/app:v1"),
    ("registry:443/app", "registry:443/app:latest"),
    ("[2001:DB8:0::1]/app", "[2001:db8::1]/app:latest"),
    ("[2001:db8::1]:5000/app:v1", "[2001:db8::1]:5000/app:v1"),
    ("[::FFFF:102:304]/app", "[::ffff:102:304]/app:latest"),
    ("10.0.0.1:5000/a/b/c", "10.0.0.1:5000/a/b/c:latest"),
    (f"r.io/app@{SHA}", f"r.io/app@{SHA}"),
    (f"r.io/app:v1@{SHA}", f"r.io/app:v1@{SHA}"),
    (f"r.io/app@{SHA512}", f"r.io/app@{SHA512}"),
    ("r.io/a__b/c-d/e--f.g_h", "r.io/a__b/c-d/e--f.g_h:latest"),
    ("r.io/app:_A.-9", "r.io/app:_A.-9"),
    (f"r.io/{'a/' * 127}a", f"r.io/{'a/' * 127}a:latest"),
    (f"r.io/app:{'t' * 128}", f"r.io/app:{'t' * 128}"),
    (f"{HEX}x", f"docker.io/library/{HEX}x:latest"),
    (f"library/{HEX}", f"docker.io/library/{HEX}:latest"),
]

REFUSED = [
    ("", "reference-empty"),
    ("café", "reference-not-ascii"),
    ("app:v\u0661", "reference-not-ascii"),
    ("app ", "reference-has-space"),
    ("app\n", "reference-has-space"),
    ("a pp", "reference-has-space"),
    ("app\x00", "reference-has-control-character"),
    ("https://r.io/app", "reference-has-scheme"),
    ("docker://r.io/app", "reference-has-scheme"),
    (HEX, "reference-bare-hex"),
    (f"{HEX}:v1", "reference-bare-hex"),
    ("/app", "host-empty"),
    ("-r.io/app", "host-malformed"),
    ("r-.io/app", "host-malformed"),
    ("r_x.io/app", "host-malformed"),
    ("docker.io./app", "host-malformed"),
    ("..io/app", "host-malformed"),
    ("[::1%eth0]/app", "host-malformed"),
    ("[fe80:::1]/app", "host-malformed"),
    ("[::1/app", "host-malformed"),
    ("[::1.2.3.4]/app", "host-malformed"),
    ("[]:5000/app", "host-malformed"),
    ("Team/app", "host-ambiguous"),
    (f"{'a' * 256}.io/app", "host-too-long"),
    ("r.io:/app", "port-malformed"),
    ("r.io:50x/app", "port-malformed"),
    ("[::1]5000/app", "port-malformed"),
    ("r.io/", "path-empty"),
    (":v1", "path-empty"),
    (f"@{SHA}", "path-empty"),
    ("r.io//app", "path-segment-empty"),
    ("r.io/app/", "path-segment-empty"),
    ("team/App", "path-upper-case"),
    ("r.io/App", "path-upper-case"),
    ("r.io/a___b", "path-malformed"),
    ("r.io/a..b", "path-malformed"),
    ("r.io/../../etc", "path-malformed"),
    ("r.io/.a", "path-malformed"),
    ("r.io/a-", "path-malformed"),
    ("r.io/a?n=1", "path-malformed"),
    ("[::1]", "path-malformed"),
    (f"r.io/{'a/' * 127}ab", "path-too-long"),
    (f"{'a' * 248}", "path-too-long"),
    ("app:", "tag-empty"),
    ("app:tag:tag", "tag-malformed"),
    ("app:.tag", "tag-malformed"),
    ("app:-tag", "tag-malformed"),
    ("app:t+1", "tag-malformed"),
    (f"app:{'t' * 129}", "tag-too-long"),
    ("app@", "digest-empty"),
    ("app@sha256", "digest-malformed"),
    ("app@sha256:abc", "digest-malformed"),
    (f"app@sha256:{HEX.upper()}", "digest-malformed"),
    (f"app@sha256:{HEX}:v1", "digest-malformed"),
    (f"app@md5:{HEX[:32]}", "digest-algorithm-unsupported"),
    (f"app@{SHA}@{SHA}", "digest-malformed"),
]


@pytest.mark.parametrize(("text", "canonical"), ACCEPTED)
def test_a_reference_is_brought_into_its_canonical_form(text: str, canonical: str) -> None:
    assert str(parse_reference(text)) == canonical


@pytest.mark.parametrize(("text", "reason_code"), REFUSED)
def test_each_way_to_be_wrong_has_its_reason(text: str, reason_code: str) -> None:
    with pytest.raises(MalformedError) as refusal:
        parse_reference(text)
    assert refusal.value.reason_code == reason_code
    assert refusal.value.message


def test_a_repository_takes_neither_tag_nor_digest() -> None:
    assert parse_repository("GHCR.io:443/team/app") == Repository("ghcr.io", "team/app")
    for text, reason_code in [
        ("r.io/app:v1", "repository-has-tag"),
        (f"r.io/app@{SHA}", "repository-has-digest"),
        ("", "reference-empty"),
    ]:
        with pytest.raises(MalformedError) as refusal:
            parse_repository(text)
        assert refusal.value.reason_code == reason_code


def test_a_scheme_is_named_in_the_refusal() -> None:
    with pytest.raises(MalformedError, match=r"remove 'https://'"):
        parse_reference("https://r.io/app")


LABEL = st.from_regex(re.compile(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", re.ASCII), fullmatch=True)
PORTS = st.integers(1, 65535).filter(lambda port: port != 443).map(lambda port: f":{port}")
NAMED = st.lists(LABEL, min_size=2, max_size=3).map(".".join)
SIX = st.ip_addresses(v=6).map(lambda address: f"[{address}]").filter(lambda host: "." not in host)
HUB = st.just("docker.io")
DOTTED = st.builds("{}{}".format, st.one_of(NAMED, SIX, st.just("localhost")), st.one_of(st.just(""), PORTS))
SINGLE = st.builds("{}{}".format, LABEL.filter(lambda label: label != "localhost"), PORTS)
HOSTS = st.one_of(HUB, DOTTED, SINGLE)
SEGMENT = st.from_regex(
    re.compile(r"[a-z0-9]{1,4}((\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}", re.ASCII), fullmatch=True
)
PATHS = st.lists(SEGMENT, min_size=2, max_size=5).map("/".join)
REPOSITORIES = st.builds(Repository, HOSTS, PATHS)
TAGS = st.from_regex(re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII), fullmatch=True)
DIGESTS = st.binary(max_size=4).map(Digest.of)
REFERENCES = st.one_of(
    st.builds(Reference, REPOSITORIES, TAGS, st.none()),
    st.builds(Reference, REPOSITORIES, st.none(), DIGESTS),
    st.builds(Reference, REPOSITORIES, TAGS, DIGESTS),
)

CANONICAL = re.compile(
    r"(?P<host>docker\.io"
    r"|localhost(:[0-9]+)?"
    r"|[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]+)?"
    r"|[a-z0-9-]+:[0-9]+"
    r"|\[[0-9a-f:]+\](:[0-9]+)?)"
    r"/(?P<path>[a-z0-9._/-]{1,255})"
    r"(:(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(@(?P<digest>sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}))?",
    re.ASCII,
)


@given(REFERENCES)
def test_what_is_formatted_parses_to_the_same_reference(reference: Reference) -> None:
    assert parse_reference(str(reference)) == reference
    assert parse_repository(str(reference.repository)) == reference.repository


@given(st.one_of(st.text(max_size=40), st.from_regex(r"[a-zA-Z0-9:/@.\[\]_-]{1,40}", fullmatch=True)))
@example("ghcr.io:443/a/b:v")
@example("index.docker.io/a/b:v")
@example("registry:443/a:b")
def test_nothing_but_the_canonical_form_round_trips(text: str) -> None:
    try:
        reference = parse_reference(text)
    except MalformedError:
        return
    written = str(reference)
    assert parse_reference(written) == reference
    assert CANONICAL.fullmatch(written) is not None
    host = reference.repository.registry
    assert host not in {"index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"}
    assert not (host.endswith(":443") and ("." in host or host.startswith("[")))
    if text != written:
        assert CANONICAL.fullmatch(text) is None or parse_reference(text) == parse_reference(written)


@given(TAGS)
def test_every_tag_of_the_grammar_is_taken_as_it_is(tag: str) -> None:
    assert parse_tag(tag) == tag


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("R.io:443", "r.io"), ("index.docker.io", "docker.io"), ("r.io:5000", "r.io:5000"), ("[::0]", "[::]")],
)
def test_a_host_alone_has_the_same_canonical_form(written: str, canonical: str) -> None:
    assert canonical_host(written) == canonical
