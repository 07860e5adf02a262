"""The demonstration: an embedded OCI registry and sample images. No external program, nothing but the standard library."""
