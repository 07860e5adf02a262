"""The client is the port, as the type checker and the methods say."""

from __future__ import annotations

import inspect

from gatekeeper import ports
from gatekeeper.registry.client import OciRegistry
from gatekeeper.registry.registries import ConfiguredRegistries
from gatekeeper.registry.settings import RegistrySettings


def test_the_client_is_a_registry() -> None:
    registries: ports.Registries = ConfiguredRegistries([RegistrySettings(host="registry.example")])
    registry: ports.Registry = registries.get("registry.example")
    assert registry.host == "registry.example"
    assert isinstance(registry, OciRegistry)


def test_every_method_of_the_port_is_our_own_and_not_inherited_from_oras() -> None:
    for name, _ in inspect.getmembers(ports.Registry, inspect.isfunction):
        if not name.startswith("_"):
            owner = next(kind for kind in OciRegistry.__mro__ if name in vars(kind))
            assert owner.__module__.startswith("gatekeeper.registry"), name
