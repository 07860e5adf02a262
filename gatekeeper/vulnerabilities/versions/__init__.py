"""Version order: one file per scheme, each with ``key(version) -> bytes`` whose byte order is the scheme's order.

``schemes.scheme_of(ecosystem)`` says which scheme an ecosystem of OSV uses. A version that a scheme cannot order raises
MalformedError ``version-unorderable``; it is then compared by equality alone.
"""
