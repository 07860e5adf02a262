"""The reference pages say what the code does. `python -m gatekeeper.cli.reference` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

from gatekeeper.cli.app import command
from gatekeeper.cli.reference import cli_markdown, commands
from gatekeeper.config.reference import configuration_markdown

DOCS = Path(__file__).parents[3] / "docs"
AGREED = {
    "demo", "run", "check", "verify", "verify-vsa", "status", "explain", "promote", "match", "migrate",
    "quarantine list", "quarantine show", "quarantine release", "quarantine keep", "quarantine restore",
    "quarantine recover", "hold on", "hold off", "hold show", "breaker show", "breaker close",
    "policy preview", "policy pending", "policy accept", "registry list", "registry accept",
    "waiver add", "waiver list", "waiver revoke", "affected",
    "feed update", "feed import", "feed list", "feed show", "feed export", "feed accept",
    "sbom show", "sign key generate", "sign key list",
    "trust update", "trust impact", "trust import", "trust list",
    "doctor", "watch", "notification list", "notification resend", "notification test",
    "config check", "config schema", "config show", "audit verify", "audit head",
    "audit list", "audit export", "audit archive",
    "decommission", "token create", "token list", "token revoke",
}  # fmt: skip


def test_the_commands_are_those_of_the_design() -> None:
    assert {" ".join(path) for path, _ in commands(command())} == AGREED


def test_every_command_is_in_the_docs_and_nothing_else() -> None:
    documented = set(re.findall(r"^### gatekeeper (.+)$", (DOCS / "cli.md").read_text(), re.MULTILINE))
    assert documented == {" ".join(path) for path, _ in commands(command())}


def test_the_command_reference_is_current() -> None:
    assert (DOCS / "cli.md").read_text() == cli_markdown()


def test_the_configuration_reference_is_current() -> None:
    assert (DOCS / "configuration.md").read_text() == configuration_markdown()


def test_every_command_and_option_explains_itself() -> None:
    for path, node in commands(command()):
        assert node.help, path
        assert all(parameter.help for parameter in node.params), path
