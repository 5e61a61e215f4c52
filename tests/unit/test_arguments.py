"""What an argument is refused with when its name is not one."""

from __future__ import annotations

import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.arguments import check_names
from sa_auth.testing import new_key

PRIVATE, _ = new_key("p256")


@pytest.mark.parametrize(
    ("name", "instead"),
    [("client_id", "issuer="), ("scopes", "scope="), ("token_url", "token_endpoint="), ("kid", "key_id="),
     ("client_secret", "ClientSecretBasic("), ("passwrd", "password="), ("verify", "RequestsTransport(verify=")],
)  # fmt: skip
def test_another_name(name: str, instead: str, tmp_path) -> None:
    """Whoever knows an argument by another name, or mistypes it, is told ours."""
    path = tmp_path / "robot.pem"
    path.write_text(PRIVATE)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials.from_file(path, **{name: "x"})
    assert caught.value.code == "bad_argument"
    assert instead in caught.value.hint


def test_no_name_like_it() -> None:
    """Where nothing is like it, all there are are told."""
    with pytest.raises(ConfigError) as caught:
        check_names({"qqqq": 1}, {"scope", "issuer"})
    assert caught.value.hint == "There are issuer, scope."
    check_names({"scope": 1}, {"scope", "issuer"})
