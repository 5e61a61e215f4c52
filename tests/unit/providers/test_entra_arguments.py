"""Microsoft Entra ID: what cannot work is refused before anything is sent, by its own rule."""

from __future__ import annotations

from typing import Any

import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.grants import ClientCredentials, JWTBearer
from tests.contract.material import MATERIAL
from tests.unit.providers.test_entra import APP, GRAPH, PRIVATE, TENANT, make, user_token


def refused(*arguments: Any, **changes: Any) -> ConfigError:
    """The error at construction, once it is known to have advice."""
    with pytest.raises(ConfigError) as caught:
        make(*arguments, **changes)
    assert caught.value.hint
    return caught.value


def test_without_a_tenant() -> None:
    """The tenant has to be named, and by an address that there is."""
    for address in ("https://login.microsoftonline.com", "https://login.microsoftonline.com/v2.0",
                    f"https://login.microsoftonline.com/{TENANT}/oauth2", f"https://sts.windows.net/{TENANT}/"):  # fmt: skip
        error = refused(address=address)
        assert error.code == "bad_endpoint"
        assert "TENANT/v2.0" in error.hint
    error = refused(address=None)
    assert error.code == "no_token_endpoint"
    assert "tenant" in error.message


@pytest.mark.parametrize("tenant", ["common", "organizations", "consumers", "Common"])
def test_no_one_tenant(tenant: str) -> None:
    """In its own name an application signs in to one tenant; for a user it may be found by the user's."""
    home = f"https://login.microsoftonline.com/{tenant}"
    for where in ({"address": f"{home}/v2.0"}, {"address": None, "token_endpoint": f"{home}/oauth2/v2.0/token"}):
        error = refused(**where)
        assert error.code == "bad_endpoint"
        assert "one tenant" in error.message
    assert make(address=f"{home}/v2.0", grant=JWTBearer(user_token()), scope="User.Read")


def test_the_first_version() -> None:
    """The endpoint of version 1 takes a resource in place of scopes."""
    home = f"https://login.microsoftonline.com/{TENANT}"
    assert refused(token_endpoint=f"{home}/oauth2/token").code == "bad_endpoint"


@pytest.mark.parametrize(
    "scope", ["https://graph.microsoft.com/User.Read", "User.Read", [GRAPH, "https://storage.azure.com/.default"],
              [GRAPH, "openid"], ".default"],
)  # fmt: skip
def test_scopes_in_its_own_name(scope: Any) -> None:
    """One resource's .default, and nothing else."""
    for grant in (None, "client_credentials", ClientCredentials()):
        error = refused(scope=scope, grant=grant)
        assert error.code == "bad_scope"
        assert ".default" in error.hint


def test_odd_grants() -> None:
    """What is no grant is told so, and no error of Python's comes through."""
    for grant in ([], {}, 5):
        assert refused(grant=grant).code == "bad_argument"


def test_an_endpoint_without_a_path() -> None:
    """An endpoint that cannot be one of Entra's is the caller's word all the same: nothing breaks."""
    assert make(address=None, token_endpoint="https://proxy.example")


def test_without_a_scope() -> None:
    """There is none by default."""
    assert refused(scope=None).code == "no_scope"


def test_scopes_of_two_resources() -> None:
    """On behalf of a user a token is for one resource too; what OpenID adds belongs to any."""
    grant = JWTBearer(user_token())
    assert make(grant=grant, scope=["User.Read", "https://graph.microsoft.com/Mail.Read", "openid", "offline_access"])
    error = refused(grant=grant, scope=["User.Read", "https://storage.azure.com/user_impersonation"])
    assert error.code == "bad_scope"
    assert "storage.azure.com" in error.hint


@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519"])
def test_rsa_alone(kind: str) -> None:
    """Entra ID takes RSA certificates and no others."""
    other = MATERIAL[kind]
    certificate = other.certificate.decode() if kind != "ed25519" else None
    assert refused(other.pair[0], certificate=certificate).code in {"bad_algorithm", "no_certificate"}


@pytest.mark.parametrize("algorithm", ["RS384", "PS512"])
def test_other_algorithms(algorithm: str) -> None:
    """Of an RSA key it takes PS256 and RS256."""
    assert refused(algorithm=algorithm).code == "bad_algorithm"


def test_without_a_certificate() -> None:
    """A bare key has no thumbprint to be known by."""
    error = refused(PRIVATE + "\n")
    assert error.code == "no_certificate"
    assert "thumbprint" in error.message


def test_a_subject() -> None:
    """A user is acted for by the user's token, and by nothing else."""
    error = refused(subject="ada@contoso.com")
    assert error.code == "bad_subject"
    assert "JWTBearer" in error.hint
    assert make(subject=APP)


@pytest.mark.parametrize("grant", ["jwt_bearer", "self_signed", "token_exchange", "rest_exchange", JWTBearer()])
def test_grants_by_the_key(grant: Any) -> None:
    """The key proves the application and signs no grant."""
    assert refused(grant=grant).code == "bad_grant"


def test_another_vendors_key_file() -> None:
    """A Google key file names another provider, and is refused by that."""
    info = {"type": "service_account", "client_email": "robot@demo.iam.gserviceaccount.com", "private_key": PRIVATE}
    with pytest.raises(ConfigError):
        ServiceAccountCredentials.from_info(info, provider="entra", server=f"https://login.microsoftonline.com/{TENANT}/v2.0",
                                            scope=GRAPH)  # fmt: skip
