"""The reference of all commands as Markdown, made from the commands: ``docs/cli.md``.

``python -m gatekeeper.cli.reference`` writes ``docs/cli.md``, ``docs/configuration.md`` and the reference of the HTTP
API; tests compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gatekeeper.cli.app import command

DOCS = Path(__file__).parents[2] / "docs"

HEAD = """# Command reference

<!-- Made by `python -m gatekeeper.cli.reference`; a test compares. Change the commands in gatekeeper/cli. -->

Data goes to stdout, progress and errors to stderr. On a terminal answers are drawn as tables (without colour
under `NO_COLOR`); anywhere else as plain lines: `name: value`, and tab-separated rows under a heading. Control
characters and escape sequences in what a registry says are shown, never obeyed.

## Exit codes

| code | meaning |
|---|---|
| 0 | passed (waivers included), or done |
| 1 | failed or quarantined; not possible in this state (another reviewer was faster) |
| 2 | usage: an option, a reference or an id is written wrong |
| 3 | configuration or policy cannot be used; every problem is told as `file:line:column: key: what to do` |
| 4 | indeterminate: unknown digest, evidence unavailable, verdict due again, `--wait` ran out, no scope covers it |
| 5 | the image cannot be resolved, the registry refused us, or database or server cannot be reached |
| 6 | not allowed: the token's scope, a hold, a target that the policy does not name |
| 70 | an internal error, with an incident id; the traceback is in `~/.local/state/gatekeeper/incident-ID.txt` |

## JSON

`--output json` prints one JSON document. It is stable: members are added, never renamed or removed, and local
answers are the same as those of a daemon. Digests are `sha256:...`, times ISO 8601 in UTC, repositories
`{"type": "Repository", "registry": ..., "path": ...}`; `type` names the kind of an object. Errors are
`{"state": "error", "reason_code", "message", "exit_code"}`.

`status` gives an **Answer**: `subject` (`repository@digest`: what the answer is about), `state` (`passed`,
`failed`, `quarantined`, `indeterminate`, `unknown`, `not-covered`, `waiting`), `reason_code`, `exit_code`,
`repository`, `digest`, `tag` (as asked), `message`, `next` (what to do), `verdict` (with `findings`, `scope`,
`policy_revision`, `recheck_at`), `case`, `decided_at`, `version`. `explain` and `check` give `{"answer":
Answer, "rules": [{"rule", "level", "result", "counts", "findings": [{"result", "reason_code", "message",
"evidence", "remedy", "digest", "platform", "tag", "waived_by", "fingerprint"}]}]}`. `promote` gives
`{"subject", "state", "reason_code", "exit_code", "repository", "digest", "target", "tag", "message", "intent",
"answer"}`. `quarantine list` gives `{"items": [Case], "next"}`, `quarantine show` `{"case", "verdict",
"intents", "history"}`, a decision the Case. `hold` and `breaker` give `{"hold", "breaker"}`, each null while it
is off.

## Against a daemon

`status`, `explain`, `promote`, `quarantine`, `hold` and `breaker` ask a daemon with `--server URL` or
`GATEKEEPER_SERVER`. The token comes from `--token-file`, `GATEKEEPER_TOKEN_FILE` or `GATEKEEPER_TOKEN`.
Certificates are always verified (`--ca-file` adds an authority); plain http goes to this machine only, unless
`--insecure-http`. Output and exit codes are the same.

"""


def cli_markdown() -> str:
    """The whole page."""
    root = command()
    lines = [HEAD + "## Commands\n"]
    for path, node in commands(root):
        lines += _section(path, node)
    return "\n".join(lines).rstrip() + "\n"


def commands(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with its words, in the order of the help."""
    below = getattr(node, "commands", None)
    if below is None:
        yield path, node
        return
    for name, inner in below.items():
        if inner.hidden:
            continue
        yield from commands(inner, (*path, name))


def _section(path: tuple[str, ...], node: Any) -> Iterator[str]:
    arguments = [parameter for parameter in node.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in node.params if parameter.param_type_name == "option"]
    words = [(argument.metavar or argument.name.upper(), argument.required) for argument in arguments]
    usage = " ".join(word if required else f"[{word}]" for word, required in words)
    yield f"### gatekeeper {' '.join(path)}\n"
    yield f"`gatekeeper {' '.join((*path, usage)).strip()} [OPTIONS]`\n"
    yield node.help.replace("``", "`") + "\n"
    rows = [*((argument.metavar or argument.name.upper(), argument) for argument in arguments)]
    rows += [(_names(option), option) for option in options if option.name != "help"]
    if rows:
        yield "| argument or option | meaning |"
        yield "|---|---|"
        for name, parameter in rows:
            yield f"| `{name}` | {_meaning(parameter)} |"
        yield ""


def _names(option: Any) -> str:
    names = ", ".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.metavar or option.name.upper()}"


def _meaning(parameter: Any) -> str:
    text = (parameter.help or "").replace("|", "\\|")
    variables = getattr(parameter, "envvar", None)
    if variables:
        text += f" Environment: `{variables}`."
    return f"{text} Required." if parameter.required and parameter.param_type_name == "option" else text


def write() -> None:
    """Every reference page."""
    from gatekeeper.config.reference import configuration_markdown
    from gatekeeper.web import reference as web_reference

    DOCS.mkdir(exist_ok=True)
    (DOCS / "cli.md").write_text(cli_markdown())
    (DOCS / "configuration.md").write_text(configuration_markdown())
    web_reference.write()


if __name__ == "__main__":
    write()
