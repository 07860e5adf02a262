import pytest

from gatekeeper.core.policy import Policy, Scope
from gatekeeper.core.reference import Repository
from gatekeeper.workflow.discover import literal_repositories, needs_catalog


def policy(*globs: str) -> Policy:
    return Policy(scopes=(Scope("all", globs, "default"),))


@pytest.mark.parametrize(
    ("globs", "needed"),
    [
        (("r.example/app/web",), False),
        (("r.example/app/*",), True),
        (("other.example/**",), False),
        (("*.example/app/web",), True),
        (("**",), True),
        ((), False),
    ],
)
def test_a_catalog_is_needed_only_for_wildcards_that_could_mean_this_host(
    globs: tuple[str, ...], needed: bool
) -> None:
    assert needs_catalog(policy(*globs), "r.example") is needed


def test_literal_names_need_no_catalog() -> None:
    found = literal_repositories(policy("r.example/app/web", "r.example/app/*", "o.example/x"), "r.example")
    assert found == {Repository("r.example", "app/web")}
