"""The demonstration: an embedded OCI registry and sample images. No external program is needed."""
