"""A refusal explained by what was sent."""

from __future__ import annotations

import pytest

from sa_auth._clock import Instant
from sa_auth._encoding import b64url, compact_json
from sa_auth.client_auth import ClientAssertion, ClientSecretBasic, PrivateKeyJWT
from sa_auth.client_auth.base import Client
from sa_auth.errors import InvalidClient, InvalidGrant
from sa_auth.explanation import Known, described, explained
from sa_auth.grants import AuthorizationCode, ClientCredentials, JWTBearer, RefreshToken
from sa_auth.grants.base import Grant
from sa_auth.keys import from_pem
from sa_auth.refusal import check
from sa_auth.signers.local import LocalSigner
from sa_auth.testing import new_key
from sa_auth.wire import Response

SIGNER = LocalSigner(from_pem(new_key("p256")[0]))
BASIC = ClientSecretBasic("app", "canary")


def test_described() -> None:
    """A refusal's hint tells grant, scope, method and client, and nothing that signs in."""
    told = described(ClientCredentials(), BASIC, "read")
    assert told == "grant client_credentials, scope 'read', client_secret_basic 'app'"
    assert described(AuthorizationCode("canary"), None, "") == "an authorization code, without a code_verifier"
    method = PrivateKeyJWT().completed(Client("app", SIGNER, "https://as.example"))
    assert "private_key_jwt 'app', client assertion with iss 'app'" in described(ClientCredentials(), method, "")


class Speechless(ClientCredentials):
    """A grant of the caller's own that cannot tell what it sent."""

    __slots__ = ()

    def describe(self) -> str:
        raise RuntimeError("no words")


def test_a_grant_without_words() -> None:
    """What a server said is not lost where a grant of the caller's own cannot say what it sent."""
    refusal = explained(InvalidGrant("The token endpoint answered 400: invalid_grant."), Speechless(), None)
    assert isinstance(refusal, InvalidGrant)
    assert "no words" not in refusal.hint


@pytest.mark.parametrize("use", ["grant", "client authentication"])
def test_what_a_jwt_of_another_issuer_said(use: str) -> None:
    """A provider's hint names issuer, audience and key id of a JWT that was handed over, whatever it was used for."""
    header, said = {"alg": "RS256", "kid": "k1"}, {"iss": "https://sts.example", "aud": "api", "sub": "robot"}
    text = f"{b64url(compact_json(header))}.{b64url(compact_json(said))}.c2ln"
    grant = JWTBearer(text) if use == "grant" else ClientCredentials()
    method = ClientAssertion(text, client_id="app") if use != "grant" else None
    for part in (grant, method):
        source = getattr(part, "assertion", getattr(part, "source", None))
        if source is not None:
            source.mint(0)
    known = Known("subject refused", "{iss} says {sub} for {aud} by {kid}.")
    refusal = explained(InvalidGrant("subject refused"), grant, method, known=(known,))
    assert refusal.hint.startswith("https://sts.example says robot for api by k1.")


def test_whose_words_a_clients_refusal_has() -> None:
    """Where the client is refused, the hint speaks of its assertion, not of the user's token that is the grant."""
    texts = []
    for issuer in ("https://user.example", "https://client.example"):
        said = {"iss": issuer, "aud": "api", "sub": "robot"}
        texts.append(f"{b64url(compact_json({'alg': 'RS256'}))}.{b64url(compact_json(said))}.c2ln")
    grant, method = JWTBearer(texts[0]), ClientAssertion(texts[1], client_id="app")
    for source in (grant.assertion, method.source):
        assert source is not None
        source.mint(0)
    known = (Known("refused", "Of {iss}."),)
    assert explained(InvalidClient("refused"), grant, method, known=known).hint.startswith("Of https://client.example.")
    assert explained(InvalidGrant("refused"), grant, method, known=known).hint.startswith("Of https://user.example.")


def test_no_line_of_a_log_is_forged() -> None:
    """What stands in a JWT of somebody else's is told without control characters."""
    said = {"iss": "a\nERROR root: forged\x1b[31m", "aud": "api", "sub": "robot"}
    grant = JWTBearer(f"{b64url(compact_json({'alg': 'RS256'}))}.{b64url(compact_json(said))}.c2ln")
    assert grant.assertion is not None
    grant.assertion.mint(0)
    hint = explained(InvalidGrant("refused"), grant, None, known=(Known("refused", "Of {iss}."),)).hint
    assert "\n" not in hint
    assert "\x1b" not in hint


GRANT = JWTBearer(f"{b64url(compact_json({'alg': 'RS256'}))}.{b64url(compact_json({'iss': 'a'}))}.c2ln")


def refusal_of(words: str, **changes: object) -> InvalidGrant:
    """A refusal as it comes from the reader, with a hint and these fields."""
    refusal = InvalidGrant(f"The token endpoint answered 400: {words}.", code="invalid_grant", hint="Usual causes.")
    vars(refusal).update(changes)
    return refusal


@pytest.mark.parametrize(
    ("words", "changes", "said", "cause"),
    [
        ("E1 key refused", {}, "", ""), ("E1 wrong signature", {}, "", "unknown_key"),
        ("E1 wrong signature", {}, "algorithm", "algorithm"), ("E1 key refused", {"skew": 90.0}, "", "clock"),
        ("E1 key refused", {"skew": 90.0}, "consent", "consent"),
        ("E1 aud", {"code": "E1"}, "", "audience"), ("E1 aud", {"code": "invalid_scope"}, "", ""),
        ("E1", {"code": "http_400", "cause": "wrong_endpoint"}, "", ""),
    ],
)  # fmt: skip
def test_the_cause_that_a_provider_knows(words: str, changes: dict[str, object], said: str, cause: str) -> None:
    """A provider's words name their cause themselves, or it is what they give away; a cause that was a guess is dropped."""
    refusal = explained(refusal_of(words, **changes), GRANT, None, known=(Known("E1", "Do this.", cause=said),))
    assert refusal.cause == cause


@pytest.mark.parametrize(
    ("grant", "cause"),
    [
        (AuthorizationCode("code"), "authorization_code"), (RefreshToken("token"), "refresh_token"),
        (ClientCredentials(), "client_credentials"),
    ],
)  # fmt: skip
def test_the_cause_of_a_grant_without_an_assertion(grant: Grant, cause: str) -> None:
    """Where there is no assertion, what the words say of one names no page; a clock that is off does."""
    assert explained(refusal_of("expired", cause="clock"), grant, None).cause == cause
    assert explained(refusal_of("expired", cause="clock", skew=90.0), grant, None).cause == "clock"
    assert explained(refusal_of("PKCE", cause="code_verifier"), grant, None).cause == "code_verifier"


@pytest.mark.parametrize(("description", "topic"), [("no", "no_client_proof"), ("alg not allowed", "algorithm")])
def test_the_cause_of_a_client_without_a_proof(description: str, topic: str) -> None:
    """A client that proved nothing has a page of its own, unless the words say more."""
    fields = {"error": "invalid_client", "error_description": description}
    with pytest.raises(InvalidClient) as caught:
        check(Response(401, {}, b""), fields, Instant(0.0, 0.0))
    assert explained(caught.value, GRANT, None).page == f"docs/errors/{topic}.md"
