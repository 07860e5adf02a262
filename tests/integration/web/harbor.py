"""What Harbor does with a scanner: requests as its jobs send them, answers checked by the specification's schemas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from gatekeeper.core.digest import Digest
from gatekeeper.core.manifest import OCI_MANIFEST
from gatekeeper.core.policy import Mode
from gatekeeper.ports import TokenScope
from gatekeeper.web.reference import document
from tests.integration.web.site import Reply, Site, serving
from tests.integration.workflow.test_vulnerability_story import Estate, rules
from tests.integration.workflow.world import World, a_world

API = "/scanner/api/v1"
REPORT_1_0 = "application/vnd.scanner.adapter.vuln.report.harbor+json; version=1.0"
REPORT_1_1 = "application/vnd.security.vulnerability.report; version=1.1"
SBOM_REPORT = "application/vnd.security.sbom.report+json; version=1.0"
ERROR = "application/vnd.scanner.adapter.error+json; version=1.0"
_SPECIFICATION = yaml.safe_load(
    (Path(__file__).parents[2] / "fixtures" / "harbor_scanner_api" / "v1.2.yaml").read_text()
)

_OURS = document()


def fits(name: str, answer: object) -> None:
    """By the schema of this name in the specification."""
    schema = {"$ref": f"#/components/schemas/{name}", **_SPECIFICATION}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer)


@dataclass(frozen=True, slots=True)
class Harbor:
    """A Harbor whose registry is the world's, and that has registered the site as a scanner."""

    site: Site
    estate: Estate
    token: str

    @property
    def world(self) -> World:
        return self.site.world

    def request(self, path: str, digest: Digest, **artifact: str) -> dict[str, Any]:
        """The body of ``POST /scan``."""
        return {
            "registry": {
                "url": f"http://{self.world.registry.host}",
                "authorization": "Bearer what-harbor-hands-over",
            },
            "artifact": {
                "repository": path,
                "digest": str(digest),
                "tag": "1.0",
                "mime_type": OCI_MANIFEST,
                **artifact,
            },
        }

    def post(self, body: object, **headers: str) -> Reply:
        """``POST /scan``."""
        sent = {"Content-Type": "application/vnd.scanner.adapter.scan.request+json; version=1.1", **headers}
        reply = self.site.ask("POST", f"{API}/scan", token=self.token, body=body, headers=sent)
        self._checked("scan", "post", "ScanResponse", reply)
        return reply

    def submit(self, path: str, digest: Digest, **artifact: str) -> str:
        """The id of an accepted scan."""
        reply = self.post(self.request(path, digest, **artifact))
        assert reply.status == 202, reply.raw
        assert (
            reply.headers["content-type"] == "application/vnd.scanner.adapter.scan.response+json; version=1.0"
        )
        return str(reply.json["id"])

    def report(self, number: str, accept: str = REPORT_1_1, **query: str) -> Reply:
        """``GET /scan/{id}/report``."""
        reply = self.site.ask(
            "GET",
            f"{API}/scan/{number}/report",
            token=self.token,
            query=query,
            headers={"Accept": accept},
        )
        if reply.status != 302:
            name = "HarborSbomReport" if "sbom" in accept else "HarborVulnerabilityReport"
            self._checked("scan/{scan_request_id}/report", "get", name, reply)
        return reply

    def scanned(self, path: str, digest: Digest) -> Any:
        """The report, where it is there at once."""
        reply = self.report(self.submit(path, digest))
        assert reply.status == 200, reply.raw
        assert reply.headers["content-type"] == REPORT_1_1
        return reply.json

    def failed(self, path: str, digest: Digest) -> tuple[str, str]:
        """(reason code, message) of a scan that fails once everything was looked at again."""
        number = self.submit(path, digest)
        self.world.rounds(6)
        reply = self.report(number)
        assert reply.status == 500, reply.raw
        return str(reply.json["reason_code"]), str(reply.json["error"]["message"])

    @staticmethod
    def _checked(path: str, method: str, name: str, reply: Reply) -> None:
        """By the specification, and by our own document."""
        if reply.status < 300:
            fits(name, reply.json)
        else:
            fits("ErrorResponse", reply.json)
            assert reply.json["error"]["message"]
            assert reply.headers["content-type"] == ERROR
        answers = _OURS["paths"][f"{API}/{path}"][method]["responses"][str(reply.status)]["content"]
        schema = {**answers[reply.headers["content-type"]]["schema"], "components": _OURS["components"]}
        Draft202012Validator(schema).validate(reply.json)


@contextmanager
def a_harbor(directory: Path) -> Iterator[Harbor]:
    """The clock stands still; nothing is judged by itself."""
    with a_world(directory) as world:
        world.policy = rules(mode=Mode.OBSERVE)
        with serving(world) as site:
            yield Harbor(site, Estate(world), site.token(TokenScope.READ))
