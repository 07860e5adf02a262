"""Gatekeeper as a scanner: the server's side of the Harbor Pluggable Scanner API (goharbor/pluggable-scanner-spec)."""
