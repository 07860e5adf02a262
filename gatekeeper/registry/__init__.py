"""The registry room: an OCI distribution client over oras. Nobody outside sees oras, requests or urllib3."""
