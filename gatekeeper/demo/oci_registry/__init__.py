"""The rooms of the embedded OCI registry; import the public names from ``gatekeeper.demo.registry``."""
