"""Use cases, one per file. They see core and ports only."""
