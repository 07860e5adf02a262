"""SBOMs: which blobs say to be one, and their components, read leniently. Entry point: ``reader.Reader``."""
