"""The three operations as the OpenAPI document has them: the specification's schemas, closed where we write them.

goharbor/pluggable-scanner-spec, api/spec/scanner-adapter-openapi-v1.2.yaml.
"""

from __future__ import annotations

from typing import Any

from gatekeeper.core.scan_request import SCANNED_TYPES
from gatekeeper.web.scanner.media_types import (
    ERROR,
    METADATA_1_0,
    METADATA_1_1,
    REPORT_1_0,
    REPORT_1_1,
    SBOM_REPORT,
    SBOM_TYPES,
    SCAN_REQUEST_1_0,
    SCAN_REQUEST_1_1,
    SCAN_RESPONSE,
    Capability,
)
from gatekeeper.web.scanner.routes import API_KEY, PREFIX

Document = dict[str, Any]
_TEXT: Document = {"type": "string"}
_TEXTS: Document = {"type": "array", "items": _TEXT}
_TIME: Document = {"type": "string", "format": "date-time"}
_ANYTHING: Document = {"type": "object", "additionalProperties": True}


def _named(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _many(schema: Document) -> Document:
    return {"type": "array", "items": schema}


def _object(needed: tuple[str, ...] = (), **members: Document) -> Document:
    schema: Document = {"type": "object", "properties": members}
    return {**schema, "required": sorted(needed)} if needed else schema


_REPORT_HEAD: dict[str, Document] = {
    "generated_at": _TIME,
    "artifact": _named("ScannerArtifact"),
    "scanner": _named("Scanner"),
    "vendor_attributes": _ANYTHING,
}
_HEAD_MEMBERS = tuple(_REPORT_HEAD)
SCHEMAS: Document = {
    "Scanner": _object(("name", "vendor", "version"), name=_TEXT, vendor=_TEXT, version=_TEXT),
    "ScannerMetadata": _object(
        ("scanner", "capabilities", "properties"),
        scanner=_named("Scanner"),
        capabilities=_many(_named("ScannerCapability")),
        properties={"type": "object", "additionalProperties": _TEXT},
    ),
    "ScannerCapability": _object(
        ("consumes_mime_types", "produces_mime_types"),
        type={"type": "string", "enum": list(Capability)},
        consumes_mime_types=_TEXTS,
        produces_mime_types=_TEXTS,
        additional_attributes=_ANYTHING,
    ),
    "ScannerRegistry": _object(("url",), url={"type": "string", "minLength": 1}, authorization=_TEXT),
    "ScannerArtifact": _object(
        ("repository", "digest", "mime_type"),
        repository={"type": "string", "minLength": 1},
        digest={"type": "string", "minLength": 1},
        tag=_TEXT,
        mime_type={"type": "string", "enum": list(SCANNED_TYPES)},
    ),
    "ScanRequest": _object(
        ("registry", "artifact"),
        registry=_named("ScannerRegistry"),
        artifact=_named("ScannerArtifact"),
        enabled_capabilities=_many(_named("EnabledCapability")),
    ),
    "EnabledCapability": _object(
        ("type",),
        type={"type": "string", "enum": list(Capability)},
        produces_mime_types=_TEXTS,
        parameters=_object(
            sbom_media_types={"type": "array", "items": {"type": "string", "enum": list(SBOM_TYPES)}}
        ),
    ),
    "ScanResponse": _object(("id",), id=_TEXT),
    "HarborVulnerabilityReport": _object(
        (*_HEAD_MEMBERS, "severity", "vulnerabilities"),
        **_REPORT_HEAD,
        severity=_named("HarborSeverity"),
        vulnerabilities=_many(_named("VulnerabilityItem")),
    ),
    "VulnerabilityItem": _object(
        ("id", "package", "version", "fix_version", "severity", "description", "links", "cwe_ids"),
        id=_TEXT,
        package=_TEXT,
        version=_TEXT,
        fix_version=_TEXT,
        severity=_named("HarborSeverity"),
        description=_TEXT,
        links={"type": "array", "items": {"type": "string", "format": "uri"}},
        preferred_cvss=_named("CvssDetails"),
        cwe_ids=_TEXTS,
        vendor_attributes=_ANYTHING,
    ),
    "CvssDetails": _object(
        score_v3={"type": "number"}, score_v2={"type": "number"}, vector_v3=_TEXT, vector_v2=_TEXT
    ),
    "HarborSeverity": {
        "type": "string",
        "enum": ["Unknown", "Negligible", "Low", "Medium", "High", "Critical"],
    },
    "HarborSbomReport": _object(
        (*_HEAD_MEMBERS, "media_type", "sbom"),
        **_REPORT_HEAD,
        media_type={"type": "string", "enum": list(SBOM_TYPES)},
        sbom=_ANYTHING,
    ),
    "ScannerError": _object(
        ("error", "state", "reason_code", "exit_code"),
        error=_object(("message",), message=_TEXT),
        state={"const": "error"},
        reason_code=_TEXT,
        exit_code={"type": "integer", "enum": [1, 2, 3, 4, 5, 6, 70]},
    ),
}
SECURITY_SCHEMES: Document = {
    "password": {
        "type": "http",
        "scheme": "basic",
        "description": "a token as the password, any user name; below `/scanner` alone",
    },
    "key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-ScannerAdapter-API-Key",
        "description": "a token; below `/scanner` alone",
    },
}
assert SECURITY_SCHEMES["key"]["name"].lower() == API_KEY

_MEANINGS = {
    "400": "No JSON, JSON of other types, or a parameter without sense",
    "401": "No token, or one that is not known, revoked or expired",
    "403": "The token lacks the scope here",
    "404": "There is no such scan",
    "413": "The body is too large",
    "422": "A field has no sense, the registry is not configured, or the image is never judged",
    "500": "The scan failed: nobody can tell, and why. Or an internal error, with an incident id",
    "501": "Nothing of this MIME type is scanned or made",
    "503": "Database or registry cannot be asked now",
}


def _responses(good: Document, *faults: str) -> Document:
    content = {"content": {ERROR: {"schema": _named("ScannerError")}}}
    said: Document = {
        code: {"description": _MEANINGS[code], **content} for code in ("401", "403", *faults, "503")
    }
    # What nobody foresaw is told by the outermost layer, as everywhere.
    problem = {"application/problem+json": {"schema": _named("Problem")}}
    failed = said.get("500", {}).get("content", {})
    said["500"] = {"description": _MEANINGS["500"], "content": {**failed, **problem}}
    return {**good, **dict(sorted(said.items()))}


def _answers(of: dict[str, str]) -> Document:
    return {mime: {"schema": _named(name)} for mime, name in of.items()}


def _operation(name: str, summary: str, description: str, responses: Document, **more: Any) -> Document:
    return {
        "tags": ["scanner"],
        "summary": summary,
        "description": description,
        "operationId": name,
        "x-token-scope": "read",
        "security": [{"token": []}, {"password": []}, {"key": []}],
        "responses": responses,
        **more,
    }


def _parameter(
    name: str, place: str, description: str, schema: Document, *, needed: bool = False
) -> Document:
    return {"name": name, "in": place, "required": needed, "description": description, "schema": schema}


_ACCEPT: Document = {"type": "string", "pattern": "^[ -~]*$"}
PATHS: Document = {
    f"{PREFIX}/metadata": {
        "get": _operation(
            "scanner_metadata",
            "Scanner metadata",
            "Harbor's scanner API: who scans, what is scanned and reported, and how fresh the advisories are. "
            "Whoever accepts version 1.0 alone is told of vulnerabilities alone.",
            _responses(
                {
                    "200": {
                        "description": "The answer",
                        "content": _answers(
                            {METADATA_1_1: "ScannerMetadata", METADATA_1_0: "ScannerMetadata"}
                        ),
                    }
                }
            ),
            parameters=[_parameter("Accept", "header", "a version of the metadata", _ACCEPT)],
        )
    },
    f"{PREFIX}/scan": {
        "post": _operation(
            "scanner_scan",
            "Scan",
            "Harbor's scanner API: asks for a report about one image manifest. `registry.url` is compared with the "
            "registries of the configuration and their aliases, and never contacted; `registry.authorization` is not "
            "used. An image that is not known is judged next.",
            _responses(
                {
                    "202": {
                        "description": "The answer",
                        "content": _answers({SCAN_RESPONSE: "ScanResponse"}),
                    }
                },
                "400",
                "413",
                "422",
                "501",
            ),
            requestBody={
                "required": True,
                "content": _answers({SCAN_REQUEST_1_1: "ScanRequest", SCAN_REQUEST_1_0: "ScanRequest"}),
            },
        )
    },
    f"{PREFIX}/scan/{{scan_request_id}}/report": {
        "get": _operation(
            "scanner_report",
            "Scan report",
            "Harbor's scanner API: the report of a scan. While there is none yet, 302 to itself with `Refresh-After` "
            "(seconds), for 25 minutes at most. What nobody can tell is 500 with the reason, never an empty report.",
            _responses(
                {
                    "200": {
                        "description": "The answer",
                        "content": _answers(
                            {
                                REPORT_1_1: "HarborVulnerabilityReport",
                                REPORT_1_0: "HarborVulnerabilityReport",
                                SBOM_REPORT: "HarborSbomReport",
                            }
                        ),
                    },
                    "302": {
                        "description": "Not yet",
                        "headers": {
                            "Refresh-After": {"schema": {"type": "integer"}, "description": "seconds"}
                        },
                    },
                },
                "400",
                "404",
                "500",
                "501",
            ),
            parameters=[
                _parameter("scan_request_id", "path", "the `id` of the answer to a scan", _TEXT, needed=True),
                _parameter("Accept", "header", "MIME type of the report", _ACCEPT),
                _parameter(
                    "sbom_media_type",
                    "query",
                    "needed for an SBOM",
                    {"type": "string", "enum": list(SBOM_TYPES)},
                ),
            ],
        )
    },
}
