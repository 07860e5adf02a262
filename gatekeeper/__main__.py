"""`python -m gatekeeper` is the console script `gatekeeper`."""

import sys


def main() -> None:
    """Run the command line; the import waits until here so that importing this module costs nothing."""
    from gatekeeper.cli import main as run

    sys.exit(run())


if __name__ == "__main__":
    main()
