from __future__ import annotations

import json
import re
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gatekeeper.core.attesting import AttestingTerms
from gatekeeper.core.errors import Cause, UnavailableError
from gatekeeper.core.signer import ManagedKey, Signer
from gatekeeper.signatures.attestor import KeyAttestor
from gatekeeper.signatures.signing import SigningKey
from gatekeeper.web import health
from gatekeeper.workflow import feeds
from gatekeeper.workflow.published import published_keys
from gatekeeper.workflow.workroom import Attesting
from tests.integration.web.site import Site, a_site
from tests.integration.workflow.world import ALICE

NAMES = {
    "gatekeeper_build": {"version"},
    "gatekeeper_database_up": set(),
    "gatekeeper_rows": {"noun", "state"},
    "gatekeeper_brake": {"brake"},
    "gatekeeper_fails_within": {"within"},
    "gatekeeper_cap_used": {"cap"},
    "gatekeeper_cap_limit": {"cap"},
    "gatekeeper_blind_repositories": {"registry"},
    "gatekeeper_catalog_unread": {"registry"},
    "gatekeeper_registry_doubted": {"registry"},
    "gatekeeper_http_requests_total": {"route", "status"},
    "gatekeeper_http_requests_created": {"route", "status"},
    "gatekeeper_http_seconds_bucket": {"route", "le"},
    "gatekeeper_http_seconds_count": {"route"},
    "gatekeeper_http_seconds_sum": {"route"},
    "gatekeeper_http_seconds_created": {"route"},
}


def test_metrics_name_routes_and_states_and_never_an_image(site: Site) -> None:
    name = site.passed("app/secret-project", "tag-of-mine")
    digest = name.partition("@")[2]
    site.world.push("app/bad", "1.0", user="0")
    site.world.rounds(3)
    site.status(name)
    site.get("/v1/images")
    site.get(f"/v1/verdicts/{digest}", repository=site.image("app/secret-project"))
    site.get(f"/v1/quarantine/{site.world.case().id}")
    site.get(f"/{digest}")
    text = site.get("/metrics", "").raw.decode()
    for told in ("sha256", digest, "secret-project", "tag-of-mine", "tester"):
        assert told not in text
    found: dict[str, set[str]] = {}
    for sample, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.MULTILINE):
        if sample.startswith("gatekeeper_"):
            found.setdefault(sample, set()).update(re.findall(r"(\w+)=", labels))
    assert found == NAMES
    assert 'gatekeeper_rows{noun="subjects",state="passed"} 1.0' in text
    assert 'gatekeeper_http_requests_total{route="/v1/status",status="200"}' in text
    assert 'route="/v1/verdicts/{digest}",status="200"' in text
    assert 'route="none",status="404"' in text


def test_brakes_show(site: Site) -> None:
    site.ask("POST", "/v1/hold/on", body={"reason": "fire drill"})
    text = site.get("/metrics", "").raw.decode()
    assert 'gatekeeper_brake{brake="hold"} 1.0' in text
    assert 'gatekeeper_brake{brake="breaker"} 0.0' in text
    assert re.search(
        r'gatekeeper_brake_info\{actor="token:\w+/\w+",brake="hold",reason="fire drill"\} 1.0', text
    )
    assert 'gatekeeper_brake_since_seconds{brake="hold"}' in text
    ready = site.get("/readyz", "")
    assert (ready.status, ready.json["state"], ready.json["missing"]) == (200, "degraded", [])
    (told,) = ready.json["brakes"]
    assert (told["name"], told["reason"]) == ("hold", "fire drill")
    assert told["actor"].startswith("token:")
    assert told["since"]


def test_protected_globs_and_ends_show_and_degrade_nothing(site: Site) -> None:
    end = site.world.clock.now() + timedelta(days=40)
    site.world.scope(protected_tags=("stable", "v*"), protected_repositories=("**/golden/**",))
    signer = Signer("alice", (ManagedKey(ALICE.public, not_after=end),))
    site.world.policy = replace(site.world.policy, signers={"alice": signer})
    site.world.rounds(1)
    source = f"{site.world.directory}/policy.toml: scope 'all': "
    text = site.get("/metrics", "").raw.decode()
    assert 'gatekeeper_protected_globs{key="protected_tags",scope="all"} 2.0' in text
    labels = f'globs="stable, v*",key="protected_tags",scope="all",source="{source}protected_tags"'
    assert f"gatekeeper_protected_info{{{labels}}} 1.0" in text
    loaded = site.world.clock.now().timestamp()
    assert re.search(r'protected_since_seconds\{key="protected_tags",scope="all"\} (\S+)', text)
    (since,) = re.findall(r'protected_since_seconds\{key="protected_tags",scope="all"\} (\S+)', text)
    assert float(since) == loaded
    (ends,) = re.findall(
        r'gatekeeper_ends_seconds\{kind="trust-root",subject="key alice.pub of signer alice"\} (\S+)', text
    )
    assert float(ends) == end.timestamp()
    ready = site.get("/readyz", "").json
    assert ready["state"] == "ready"
    assert [(one["scope"], one["key"], one["globs"], one["source"]) for one in ready["protected"]] == [
        ("all", "protected_tags", ["stable", "v*"], f"{source}protected_tags"),
        ("all", "protected_repositories", ["**/golden/**"], f"{source}protected_repositories"),
    ]
    assert all(one["since"] for one in ready["protected"])


def test_feeds_show_how_fresh_they_are(site: Site) -> None:
    path = site.world.directory / "kev.json"
    path.write_text('{"vulnerabilities": [{"cveID": "CVE-2026-1", "dateAdded": "2026-01-01"}]}')
    feeds.import_file(site.world.app.room, path, name=None, kind=None, as_of=None, told=feeds.silent)
    text = site.get("/metrics", "").raw.decode()
    assert 'gatekeeper_feed_records{feed="kev"} 1.0' in text
    assert 'gatekeeper_feed_held{feed="kev"} 0.0' in text
    seconds = site.world.clock.now().timestamp()
    (renewed,) = re.findall(r'gatekeeper_feed_renewed_seconds\{feed="kev"\} (\S+)', text)
    assert float(renewed) == seconds


def test_signing_keys_are_published_to_everybody(site: Site) -> None:
    assert json.loads(site.get("/signing-keys", "").raw) == {"items": [], "next": None}
    old, key = SigningKey.generate("old.pub"), SigningKey.generate("vsa.key")
    signer = KeyAttestor(lambda: (key.to_pem(), None), (old.public,))
    published = published_keys(Attesting(AttestingTerms("urn:gatekeeper", "urn:policy", "0"), signer))
    assert [(one.id, one.state, one.pem) for one in published] == [
        (key.public.id, "in-force", key.public.spki_pem),
        (old.public.id, "retired", old.public.spki_pem),
    ]


def test_what_is_missing_is_told_and_hosts_are_not(tmp_path: Path) -> None:
    lacks: list[tuple[str, ...] | UnavailableError] = [()]

    def missing() -> tuple[str, ...]:
        if isinstance(lacks[0], UnavailableError):
            raise lacks[0]
        return lacks[0]

    with a_site(tmp_path, missing) as site:
        assert (site.get("/readyz", "").status, site.get("/readyz", "").json["state"]) == (200, "ready")
        lacks[0] = ("scheduler",)
        reply = site.get("/readyz", "")
        assert (reply.status, reply.json["missing"]) == (503, ["scheduler"])
        lacks[0] = UnavailableError(
            "db.internal refused", cause=Cause.STORE, reason_code="database-unavailable"
        )
        reply = site.get("/readyz", "")
        assert (reply.status, reply.json["missing"]) == (503, ["database-unavailable"])
        assert site.get("/healthz", "").status == 200


def test_a_stalled_database_is_not_ready_and_the_process_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.05)
    over = threading.Event()

    def stalled() -> tuple[str, ...]:
        over.wait(60)
        return ()

    with a_site(tmp_path, stalled) as site:
        reply = site.get("/readyz", "")
        assert (reply.status, reply.json["missing"]) == (503, ["database-stalled"])
        assert site.get("/healthz", "").status == 200
        over.set()
