"""The package databases in an image's layers -> an SBOM of the operating system's packages, and of nothing else.

Layers are streamed in order and never kept; only the few files that are databases are held, each within a cap.
"""
