"""The judges themselves start, answer as described, and are gone afterwards."""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request

import psycopg
import pytest

from tests.judges.registries import KINDS, RegistryServer, registry_server
from tests.judges.servers import ServerError, postgres, scratch, serve
from tests.judges.tools import find

INDEX = "application/vnd.oci.image.index.v1+json"


def _status(url: str, method: str = "GET", body: bytes | None = None) -> int:
    request = urllib.request.Request(url, method=method, data=body, headers={"Content-Type": INDEX})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_each_registry_answers_the_version_check(any_registry: RegistryServer) -> None:
    assert _status(f"{any_registry.url}/v2/") == 200


def test_each_registry_offers_the_referrers_api_exactly_when_it_says_so(any_registry: RegistryServer) -> None:
    repository = f"{any_registry.url}/v2/judge/self"
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}).encode()
    assert _status(f"{repository}/manifests/empty", "PUT", body) == 201
    offered = _status(f"{repository}/referrers/sha256:{hashlib.sha256(body).hexdigest()}") == 200
    assert offered is any_registry.referrers


def test_each_new_database_is_empty_and_gone_afterwards() -> None:
    with postgres() as server:
        with server.database() as url:
            with psycopg.connect(url.replace("+psycopg", "")) as connection:
                tables = connection.execute(
                    "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
                ).fetchone()
            assert tables == (0,)
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(url.replace("+psycopg", "")).close()
        pid = server.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_postgres_of_ours_wants_its_password(postgres_url: str) -> None:
    user, _, rest = postgres_url.partition("@")
    wrong = user.rpartition(":")[0].replace("+psycopg", "") + ":wrong@" + rest
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong).close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_registry_stops_with_its_block(kind: str) -> None:
    with registry_server(kind) as server:
        url = f"{server.url}/v2/"
    with pytest.raises(urllib.error.URLError):
        _status(url)


def test_a_server_that_ends_at_once_is_an_error_with_its_own_words() -> None:
    with (
        scratch() as folder,
        serve([find("docker-registry"), "serve", "/nowhere/registry.yml"], folder) as running,
        pytest.raises(ServerError, match="no such file"),
    ):
        running.listening_on()
