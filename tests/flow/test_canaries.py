"""Secrets are planted everywhere and looked for in everything that leaves the library (docs/faults.md line 34)."""

from __future__ import annotations

import logging
import pickle
import traceback
import warnings

import pytest
import requests
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sa_auth import ConfigError, Retry, SaAuthError, ServiceAccountCredentials
from sa_auth.caches import MemoryCache
from sa_auth.client_auth import ClientSecretBasic, ClientSecretPost
from sa_auth.keys import from_pem
from sa_auth.testing import Authority, google_key_file, new_key
from tests.faults import FaultServer, answers, breaks, reply, silent

PASSWORD = "canary-password-91c2"
CLIENT_SECRET = "canary-client-secret-77aa"
TOKEN = "canary.access-token.5f5f5f"
PRIVATE, PUBLIC = new_key("rsa2048")
ISSUER = "robot@demo.iam.gserviceaccount.com"


def canaries(assertions: list[str] = ()) -> list[str]:
    """Everything that must not be seen: the key in each of its forms, passwords, tokens, assertions."""
    key = load_pem_private_key(PRIVATE.encode(), None)
    numbers = key.private_numbers()
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    forms = [PASSWORD, CLIENT_SECRET, TOKEN, *PRIVATE.splitlines()[1:-1], der.hex()[-200:]]
    forms += [str(number)[:60] for number in (numbers.d, numbers.p, numbers.q)]
    # A piece of one is enough to know it by: descriptions are cut short.
    forms += [part[:24] for assertion in assertions for part in assertion.split(".")[1:]]
    return forms


def everything_of(error: BaseException) -> str:
    """All that a log, a debugger or a crash reporter could take from an error."""
    seen, queue, shown = set(), [error], []
    while queue:
        one = queue.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        whole = traceback.TracebackException.from_exception(one, capture_locals=True)
        shown += [str(one), repr(one), repr(one.args), repr(vars(one)), *_ours(whole)]
        queue += [one.__cause__, one.__context__]
    return "\n".join(shown)


def _ours(whole: traceback.TracebackException) -> list[str]:
    """The locals of this library's frames; those of the test and of foreign libraries are theirs."""
    return [repr(frame.locals) for frame in whole.stack if "/sa_auth/" in frame.filename]


def credentials(endpoint: str, **changes) -> ServiceAccountCredentials:
    """Credentials of the planted key, with a memory of their own."""
    key = load_pem_private_key(PRIVATE.encode(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode()))
    arguments = {
        "issuer": ISSUER, "token_endpoint": endpoint, "cache": MemoryCache(), "timeout": 0.6, "password": PASSWORD,
        "client_auth": ClientSecretPost(ISSUER, CLIENT_SECRET), "retry": Retry(attempts=2, shortest=0.01, longest=0.02),
    }  # fmt: skip
    return ServiceAccountCredentials(locked.decode(), **{**arguments, **changes})


def check(shown: str, assertions: list[str] = ()) -> None:
    """Fails where a canary sings."""
    for canary in canaries(assertions):
        assert canary not in shown


def sent(server: FaultServer) -> list[str]:
    """The assertions that the server read."""
    from urllib.parse import parse_qs

    forms = [parse_qs(received.body.decode()) for received in server.requests]
    return [form["assertion"][0] for form in forms if "assertion" in form]


def echo(peer) -> None:
    """A server that quotes what it was sent."""
    received = peer.read()
    from urllib.parse import parse_qs

    assertion = parse_qs(received.body.decode())["assertion"][0]
    peer.send(reply(400, f'{{"error": "invalid_grant", "error_description": "Bad assertion {assertion}"}}'.encode()))


PLAYS = {
    "refused": answers(400, b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}'),
    "quoted": echo,
    "redirected": answers(302, b"", f"Location: https://elsewhere.test/{TOKEN}?t={TOKEN}"),
    "bad token": answers(200, f'{{"access_token": "{TOKEN}\\n", "token_type": "Bearer"}}'.encode()),
    "other type": answers(200, f'{{"access_token": "{TOKEN}", "token_type": "mac"}}'.encode()),
    "twice": answers(200, f'{{"access_token": "{TOKEN}", "access_token": "{TOKEN}"}}'.encode()),
    "broken": answers(200, f'{{"access_token": "{TOKEN}"'.encode()),
    "page": answers(200, f"<html>{TOKEN}</html>".encode()),
    "busy": answers(503, TOKEN.encode()),
    "cut": breaks(f'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{{"access_token": "{TOKEN}'.encode()),
    "silent": silent,
}  # fmt: skip


@pytest.mark.parametrize("method", [ClientSecretPost, ClientSecretBasic])
@pytest.mark.parametrize("name", PLAYS)
def test_no_error_shows_a_secret(name, method, caplog):
    """However the token endpoint fails, neither error, log, frame nor pickle of the error holds a secret."""
    caplog.set_level(logging.DEBUG)
    with FaultServer(PLAYS[name]) as server, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        creds = credentials(server.url(), client_auth=method(ISSUER, CLIENT_SECRET))
        with pytest.raises(SaAuthError) as failure:
            creds.token()
        assertions = sent(server)
        assert assertions
    shown = everything_of(failure.value) + caplog.text + repr([str(one.message) for one in warned])
    check(
        shown + repr(pickle.loads(pickle.dumps(failure.value))) + repr(vars(pickle.loads(pickle.dumps(failure.value)))),
        assertions,
    )
    check(pickle.dumps(failure.value).decode("latin-1"), assertions)


def test_no_repr_shows_a_secret():
    """Credentials, token, key, signer, client authentication and transport print without their secrets."""
    authority = Authority()
    authority.register(ISSUER, PUBLIC, client_id=ISSUER, client_secret=CLIENT_SECRET)
    creds = credentials(authority.token_endpoint, transport=authority.transport())
    token = creds.token()
    exchange = creds._source._exchange
    parts = [creds, token, exchange, exchange.grant, exchange.client_auth, exchange.transport, from_pem(PRIVATE),
             exchange.grant.assertion, exchange.grant.assertion.signer, exchange.build(0.0), creds._source]  # fmt: skip
    shown = "".join(f"{part!r}{part!s}{part}" for part in parts)
    check(shown)
    assert token.access_token not in shown


def test_no_pickle_holds_a_secret(tmp_path):
    """Credentials pickle as a recipe or not at all, tokens and secrets not at all."""
    google_key_file(
        tmp_path / "key.json", email=ISSUER, private_key_pem=PRIVATE, token_uri="https://oauth2.googleapis.com/token"
    )
    recipe = pickle.dumps(ServiceAccountCredentials.from_file(tmp_path / "key.json", scope="read"))
    check(recipe.decode("latin-1"))
    for creds in (credentials("https://as.example/token"), credentials("https://as.example/token", password=PASSWORD)):
        with pytest.raises(ConfigError) as refusal:
            pickle.dumps(creds)
        assert refusal.value.hint
        check(everything_of(refusal.value))


@pytest.mark.parametrize("play", ["cut", "refused", "silent"])
def test_a_failing_api_call_shows_no_token(play, caplog):
    """When the API itself fails while a request is sent again, our frames hold no token."""
    caplog.set_level(logging.DEBUG, logger="sa_auth")
    private, public = new_key("p256")
    authority = Authority()
    authority.register("robot", public)
    creds = ServiceAccountCredentials(
        private, issuer="robot", token_endpoint=authority.token_endpoint, transport=authority.transport()
    )
    tokens = [creds.token().access_token]
    turn = iter([answers(401, b""), PLAYS[play]])

    def plays(peer):
        next(turn)(peer)

    with FaultServer(plays) as api, requests.Session() as session:
        session.auth = creds
        shown = caplog.text
        try:
            session.get(api.url(), timeout=0.3)
        except requests.RequestException as error:
            whole = traceback.TracebackException.from_exception(error, capture_locals=True)
            shown += "".join(_ours(whole))
    tokens.append(creds.token().access_token)
    for token in tokens:
        assert token not in shown
