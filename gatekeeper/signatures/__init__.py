"""Signatures and attestations: bytes in; verified content, or a refused candidate with a reason code, out.

Entry points: ``verifier.Verifier`` (the port), ``keys.load_public_key`` (policy's keys), ``signing`` (what the demo and
tests sign with). The only room that imports ``cryptography`` to judge a signature.
"""
