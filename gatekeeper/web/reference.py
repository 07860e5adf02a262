"""The reference of the HTTP API as Markdown and OpenAPI, made from the routes: ``docs/api.md``, ``docs/openapi.json``.

``python -m gatekeeper.web.reference`` writes both; a test compares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, Self, cast

from gatekeeper.web.app import create_app
from gatekeeper.web.openapi import FAULTS, Document
from gatekeeper.workflow.workroom import Workroom

DOCS = Path(__file__).parents[2] / "docs"

HEAD = """# HTTP API

<!-- Made by `python -m gatekeeper.web.reference`; a test compares. Change the routes in gatekeeper/web. -->

`gatekeeper run` serves it at `server.listen`; [openapi.json](openapi.json) is the same for programs, also served at
`/openapi.json`. The command line's `--server` asks exactly these routes; its `--output json` prints what they answer.

## Tokens

Every route under `/v1` wants `Authorization: Bearer gk_…`; those under `/scanner` also take a token as the password of
Basic authentication or in `X-ScannerAdapter-API-Key`, which is what Harbor can send. Tokens are made by
`gatekeeper token create` or `POST /v1/tokens`, shown once, kept only as a hash, end by themselves (after 90 days unless
said otherwise) and can be revoked. A token has scopes and globs of repositories that it is bound to; both must fit.

| scope | what it may do |
|---|---|
| `read` | ask for status, explanations, images, verdicts, cases |
| `promote` | promote; needed for the source and for the target |
| `review` | release, keep, restore |
| `admin` | everything, also hold, breaker and tokens |

Listings leave out what the token may not read. What concerns every repository (hold, breaker, tokens) wants a token for
`**`. At the first start the daemon writes a token for `admin` to `server.first_token_file` (mode 0600); it makes one
other token by `POST /v1/tokens` and is spent by that. There is no default password.

## Status

```console
$ curl --header "Authorization: Bearer $GATEKEEPER_TOKEN" \\
    'https://gatekeeper.example.com/v1/status?image=registry.example.com/shop/web:1.4&wait=300'
```

A tag is resolved at the moment of asking, with one HEAD; the answer names `repository` and `digest` and is about
nothing else. Branch on `exit_code`, as of the command: 0 passed, 1 failed or quarantined, 4 not known yet, due again or
not covered. Only 0 means yes.

With `wait` (seconds, at most 600) the answer comes as soon as there is one that waiting cannot change: `state` is then
neither `unknown` nor `waiting`. When the time runs out it comes as it is. A wait holds no thread; at most 200 wait at
once, the next gets 503. Proxies cut long requests: ask again with the time that is left, as `--wait` does.

`ETag` changes with every byte of the answer; `If-None-Match` gives 304. Answers about digests are kept in memory until
anything changes in the database, by whatever process: within a second at the latest, and not at all while the database
cannot be asked. Answers about tags are never kept.

## Errors

Problem documents (RFC 9457, `application/problem+json`): `title` and `reason_code` are the same stable code,
`detail` is for people, `exit_code` is what the command line ends with. An internal error says nothing but an
`incident` id, with which the server's log tells the rest. 401 comes with a `WWW-Authenticate` challenge, 503 with
`Retry-After`. Below `/scanner` it is the error object of Harbor's specification, with the same `reason_code` and
`exit_code`; its statuses are in [openapi.json](openapi.json).

A refused promotion is no error: 200, `state` `refused`, and the `exit_code` of the answer it rests on.

"""

REASONS: dict[tuple[str, ...], str] = {
    ("token-missing",): "no bearer token was sent",
    (
        "token-unknown",
        "token-revoked",
        "token-expired",
    ): "the token is none that works",
    ("token-scope-missing",): "the token's scopes or repositories do not cover this",
    ("token-one-use",): "the first token makes one other token and nothing else",
    ("token-spent",): "somebody else used the one-use token in the same moment",
    (
        "token-without-scope",
        "token-without-repositories",
        "token-expired-at-birth",
        "time-malformed",
    ): "a token that could never be used was not made",
    (
        "image-missing",
        "wait-malformed",
        "query-too-long",
    ): "the query of status cannot be read",
    ("too-many-waiting",): "200 requests wait already",
    ("request-malformed",): "a parameter or the body breaks its schema; `detail` names each",
    ("cursor-malformed",): "`after` is none that this listing gave",
    (
        "verdict-unknown",
        "case-unknown",
    ): "there is none",
    ("registry-not-configured",): "the image's registry is not in the daemon's configuration",
    (
        "no-such-path",
        "method-not-allowed",
        "body-too-large",
        "request-refused",
    ): "the request itself",
    (
        "body-malformed",
        "field-malformed",
        "sbom-media-type-malformed",
    ): "a scan request or the question for its report cannot be read",
    (
        "registry-url-malformed",
        "repository-elsewhere",
    ): "`registry.url` and `artifact.repository` name no repository",
    ("artifact-not-scanned", "report-not-made"): "a MIME type that is not scanned, or not made",
    ("scope-missing", "not-an-image", "tombstone"): "the image of a scan request is never judged",
    ("scan-unknown",): "there is no such scan (any more): ask for one again",
    (
        "scan-late",
        "nothing-to-judge",
        "no-image",
    ): "a scan failed: not judged in time, no package in the SBOM, no image of its index. Else the reason is a rule's",
    ("internal-error",): "our fault; `incident` finds it in the log",
}

TAIL = """## Without a token

| route | answer |
|---|---|
| `GET /healthz` | 200 while the process answers |
| `GET /readyz` | 200 with `state` `ready` or `degraded` (`brakes` and `blind` say why), or 503 and what is `missing` |
| `GET /metrics` | Prometheus text: subjects, cases and intents by state, requests. Never an image or digest |
| `GET /signing-keys` | public keys of our attestations, retired ones too: `id`, `state`, `source`, `pem` |
| `GET /openapi.json` | the OpenAPI document |

They tell nothing of images; a proxy in front may still keep them inside. What may be missing: the database
(`database-unavailable`, `database-busy`, `database-stalled`, `schema-outdated`) or the daemon's ticks
(`daemon-starting`, `daemon-stopping`, `tick-late`).

## Limits

Request bodies have at most 64 KiB, pages at most 1,000 items, globs in requests at most four wildcards. Every answer
says `nosniff`, an empty content security policy, and `no-store` (status: `private, no-cache`).
"""


class _Unasked:
    """Stands for every port: routes are declared without asking one."""

    def __getattr__(self, _name: str) -> Self:
        return self

    def __call__(self, *_: object) -> NoReturn:
        raise AssertionError("declaring routes asks nothing")


def document() -> Document:
    """The OpenAPI document."""
    built: Document = create_app(cast("Workroom", _Unasked()), missing=tuple).openapi()
    return built


def openapi_json() -> str:
    """The whole of ``docs/openapi.json``."""
    return json.dumps(document(), indent=1, sort_keys=True) + "\n"


def api_markdown() -> str:
    """The whole of ``docs/api.md``."""
    found = document()
    lines = [HEAD, "| status | meaning |", "|---|---|"]
    lines += [f"| {code} | {meaning} |" for code, meaning in FAULTS.items()]
    lines += ["", "## Routes", ""]
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            lines += _route(method, path, operation, found)
    lines += [
        "## Objects",
        "",
        "`type` names the kind of an object; members are added, never renamed or removed.",
        "",
    ]
    for name, schema in found["components"]["schemas"].items():
        if name != "Problem":
            lines += _object(name, schema)
    lines += ["## Reason codes", "", "Those of the API itself; verdicts and acts have their own.", ""]
    lines += ["| code | meaning |", "|---|---|"]
    lines += [
        f"| {', '.join(f'`{code}`' for code in codes)} | {meaning} |" for codes, meaning in REASONS.items()
    ]
    return "\n".join(lines) + "\n\n" + TAIL


def _route(method: str, path: str, operation: Document, found: Document) -> Iterator[str]:
    yield f"### {method.upper()} {path}"
    yield ""
    yield " ".join(operation["description"].split())
    yield ""
    yield f"Scope `{operation['x-token-scope']}`. Answers {_answer(operation)}."
    yield ""
    rows = [
        (parameter["name"], f"{parameter['in']}{', needed' if parameter['required'] else ''}", parameter)
        for parameter in operation.get("parameters", [])
    ]
    body = operation.get("requestBody")
    if body is not None:
        (content, *_) = body["content"].values()
        name = content["schema"]["$ref"].rpartition("/")[2]
        schema = found["components"]["schemas"][name]
        needed = schema["required"]
        rows += [
            (member, f"body{', needed' if member in needed else ''}", {"schema": inner})
            for member, inner in schema["properties"].items()
        ]
    if rows:
        yield "| parameter | in | what |"
        yield "|---|---|---|"
        for name, place, parameter in rows:
            yield f"| `{name}` | {place} | {_meaning(parameter)} |"
        yield ""


def _answer(operation: Document) -> str:
    said = []
    for code, response in operation["responses"].items():
        kinds = [_kind(content["schema"]) for content in response.get("content", {}).values()]
        if code < "300" and kinds:
            said.append(f"{code} with {' or '.join(dict.fromkeys(kinds))}")
        elif code in ("204", "302", "304"):
            said.append(f"{code} with nothing")
    return " or ".join(said)


def _meaning(parameter: Document) -> str:
    schema = parameter["schema"]
    text = parameter.get("description") or schema.get("description") or ""
    kind = _kind(schema)
    if schema.get("default") not in (None, []):
        kind += f", default `{schema['default']}`"
    return f"{text}; {kind}" if text else kind


def _object(name: str, schema: Document) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if "enum" in schema:
        yield ", ".join(f"`{member}`" for member in schema["enum"])
        yield ""
        return
    members = {
        member: inner
        for member, inner in schema["properties"].items()
        if member != "type" or "const" not in inner
    }
    yield "| member | what |"
    yield "|---|---|"
    for member, inner in members.items():
        yield f"| `{member}` | {_kind(inner)} |"
    yield ""


def _kind(schema: Document) -> str:
    """A schema in a few words, with links to the objects it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(member) for member in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    kind: Any = schema.get("type")
    if kind == "array":
        return f"list of {_kind(schema['items'])}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"object of {_kind(inner)}" if isinstance(inner, dict) else "object"
    if isinstance(kind, list):
        return str(schema.get("description") or " or ".join(kind))
    if schema.get("format") == "date-time":
        return "time"
    if str(schema.get("pattern", "")).startswith("^sha"):
        return "digest"
    return str(kind)


def write() -> None:
    """Both files."""
    DOCS.mkdir(exist_ok=True)
    (DOCS / "api.md").write_text(api_markdown())
    (DOCS / "openapi.json").write_text(openapi_json())


if __name__ == "__main__":
    write()
