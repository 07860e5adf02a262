"""A whole Sigstore without a network or a program: Fulcio, certificate transparency, Rekor 1 and 2, timestamps.

Everything takes the time it is said to happen at, so that expired certificates, retired keys and backdated entries
cost nothing to make. ``instance.VirtualSigstore`` puts the parts together.
"""
