"""Gatekeeper judges the images of a container registry and acts on the verdict."""

__version__ = "0.1.0"
