"""Notary Project signatures (notaryproject/specifications, v1.1): bytes in, verified facts or a refusal out."""
