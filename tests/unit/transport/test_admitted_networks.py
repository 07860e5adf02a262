import pytest

from gatekeeper.transport.addresses import admitting


@pytest.mark.parametrize(
    ("address", "admitted"),
    [
        ("93.184.216.34", True),
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.1", False),
        ("::ffff:10.2.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("fd00::1", False),
        ("0.0.0.0", False),
        ("2606:4700::1", True),
        ("no address", False),
    ],
)
def test_public_addresses_and_named_networks_only(address: str, admitted: bool) -> None:
    assert admitting(("10.1.0.0/16",))(address) is admitted


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        admitting(("10.1.0.0/160",))
