"""Configuration files for runs of the real program."""

from __future__ import annotations

from pathlib import Path

_CONFIG = """\
version = 1
policy = "policy.toml"
[[registries]]
host = "{host}"
plain_http = true
[database]
path = "gatekeeper.db"
[server]
listen = "127.0.0.1:{port}"
[polling]
interval = "5s"
min_interval = "5s"
max_interval = "5s"
[logging]
level = "warning"
"""
_POLICY = """\
version = 1
[policies.baseline]
rules = ["user-root"]
[[scopes]]
name = "all"
repositories = ["127.0.0.1:*/**"]
policy = "baseline"
"""


def write(folder: Path, host: str, port: int) -> Path:
    """``config.toml`` and ``policy.toml`` for one plain-http registry; gives the first."""
    (folder / "policy.toml").write_text(_POLICY)
    config = folder / "config.toml"
    config.write_text(_CONFIG.format(host=host, port=port))
    return config
