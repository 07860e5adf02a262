"""TOML files -> frozen settings; every error as ``file:line:column: key: what is wrong, what to do``."""
