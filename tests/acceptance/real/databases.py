"""The two databases as lines of ``[database]``: what a configuration file says, and nothing else."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url

SQLITE = ('path = "gatekeeper.db"',)


def postgres_lines(url: str, directory: Path) -> tuple[str, ...]:
    """The URL without its password, which goes to a file that only we may read."""
    parsed = make_url(url)
    secret = directory / "database-password"
    secret.touch(mode=0o600)
    secret.write_text(str(parsed.password))
    without = parsed._replace(password=None).render_as_string(hide_password=False)
    return (f'url = "{without}"', f'password = {{ file = "{secret}" }}')
