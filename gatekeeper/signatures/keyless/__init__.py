"""Sigstore keyless verification (Sigstore client specification; bundle and trust root of protobuf-specs).

``trust_root`` reads what is trusted, ``proof`` holds what a signer hangs on a signature, ``pipeline`` judges the one by
the other. Bytes in; facts, or a RefusedError with its reason code, out. No clock: an old signature stays good.
"""
