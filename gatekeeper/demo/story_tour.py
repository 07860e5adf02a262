"""Images for the tour in the README: ``python3 -m gatekeeper.demo.story_tour HOST:PORT`` pushes them over plain http.

``tour/good:1.0`` is signed, its public key is written to ``release.pub`` here; ``tour/bad:1.0`` is unsigned and runs
as root. Nothing of this is needed where there are images of your own, signed with cosign.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gatekeeper.core.errors import GatekeeperError
from gatekeeper.demo.images import image
from gatekeeper.demo.registry_push import PushClient
from gatekeeper.demo.story_images import Publisher
from gatekeeper.signatures.signing import SigningKey

PUBLIC_KEY = "release.pub"
UNREACHABLE = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """Pushes; 0, or 5 when the registry does not take it."""
    parser = argparse.ArgumentParser(
        prog="python3 -m gatekeeper.demo.story_tour", description="Push the images of the README's tour."
    )
    parser.add_argument("host", metavar="HOST:PORT", help="a registry that speaks plain http")
    host = parser.parse_args(arguments).host
    now = datetime.now(UTC)
    key = SigningKey.generate(PUBLIC_KEY)
    good = image({"srv/index.html": "good"}, created=now - timedelta(days=1))
    bad = image({"srv/index.html": "bad"}, user="0", created=now - timedelta(days=1))
    try:
        with closing(PushClient(f"http://{host}")) as client:
            publisher = Publisher(client, host, lambda: now)
            for repository, built in (("tour/good", good), ("tour/bad", bad)):
                digest = publisher.push(repository, built, "1.0")
                sys.stdout.write(f"pushed {host}/{repository}:1.0 {digest}\n")
            publisher.sign("tour/good", good, key)
    except GatekeeperError as error:
        sys.stderr.write(f"{host}: {error}\n")
        return UNREACHABLE
    Path(PUBLIC_KEY).write_text(key.public.spki_pem)
    sys.stdout.write(f"signed {host}/tour/good:1.0; its public key is in {PUBLIC_KEY}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
