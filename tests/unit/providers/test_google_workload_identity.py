"""Google's workload identity federation: the file, its sources, the exchange, and a service account behind it.

Source: https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token; https://google.aip.dev/auth/4117
"""

from __future__ import annotations

import json
import pickle
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth._clock import Deadline
from sa_auth.assertions import FromFile
from sa_auth.caches.memory import MemoryCache
from sa_auth.errors import InvalidGrant, InvalidRequest, InvalidTarget, KeyFileError
from sa_auth.grants import TokenExchange
from sa_auth.testing import ManualClock
from sa_auth.transports import RequestsTransport
from sa_auth.wire import Request, Response
from tests.unit.providers.google_pool import JWT, NAME, POOL, SCOPE, Pool
from tests.unit.providers.serving import OTHER_RSA, RSA, serving

TARGET = "target@demo.iam.gserviceaccount.com"
ACTING = f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{TARGET}:generateAccessToken"
ALLOW = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES"


@pytest.fixture
def pool(sa_clock: ManualClock, tmp_path: Path) -> Iterator[Pool]:
    """It, served."""
    with serving(NAME, sa_clock) as google:
        yield Pool(google, tmp_path)


def test_documented_request(pool: Pool) -> None:
    """The form holds the six fields of the documentation, and nothing else."""
    with pool.opened() as creds:
        assert creds.token().scope == SCOPE
    form = pool.google.authority.requests[-1].form
    assert dict(form) == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange", "audience": POOL, "scope": SCOPE,
        "requested_token_type": "urn:ietf:params:oauth:token-type:access_token", "subject_token_type": JWT,
        "subject_token": form["subject_token"],
    }  # fmt: skip


def test_a_file_of_json(pool: Pool) -> None:
    """A source may be one field of a file, or of what an address answers."""
    text = json.dumps({"access_token": pool.token()})
    source = {"file": pool.file(text), "format": {"type": "json", "subject_token_field_name": "access_token"}}
    assert pool.opened(pool.info(source)).token().access_token


class Answering(RequestsTransport):
    """Answers for an address, and carries the rest."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body, self.asked = body, [Request("https://none.example")]

    def send(self, request: Request, deadline: Deadline) -> Response:
        """Answers, or carries."""
        if "tokens.example" not in request.url:
            return super().send(request, deadline)
        self.asked.append(request)
        return Response(200, {}, self.body)


@pytest.mark.parametrize("form", [None, {"type": "text"}, {"type": "json", "subject_token_field_name": "value"}])
def test_an_address(form: Any, pool: Pool) -> None:
    """An address is asked with the header fields of the file."""
    text = pool.token() if form is None or form["type"] == "text" else json.dumps({"value": pool.token()})
    transport = Answering(text.encode())
    source = {"url": "https://tokens.example/t", "headers": {"Metadata": "True"}, **({"format": form} if form else {})}
    assert pool.opened(pool.info(source), transport=transport).token().access_token
    assert transport.asked[-1].method == "GET"
    assert transport.asked[-1].headers["metadata"] == "True"


def program(pool: Pool, answer: Any, **more: Any) -> dict[str, Any]:
    """A source that is a program."""
    code = f"print({json.dumps(answer) if answer is not None else ''!r})"
    return {"executable": {"command": shlex.join([sys.executable, "-c", code]), **more}}


def test_a_program(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program is run where that is allowed, and is told what for; the exchange has the time that it may take."""
    monkeypatch.setenv(ALLOW, "1")
    answer = {"version": 1, "success": True, "token_type": JWT, "id_token": pool.token()}
    with pool.opened(pool.info(program(pool, answer))) as creds:
        assert creds.token().access_token
    names = ("AUDIENCE", "TOKEN_TYPE", "IMPERSONATED_EMAIL", "INTERACTIVE", "REVOKE")
    listed = ", ".join(f"os.environ['GOOGLE_EXTERNAL_ACCOUNT_{name}']" for name in names)
    told = pool.folder / "told"
    code = f"import json, os; open({str(told)!r}, 'w').write(json.dumps([{listed}]))"
    source = {"executable": {"command": shlex.join([sys.executable, "-c", code])}}
    pool.refused(pool.info(source, service_account_impersonation_url=ACTING), server=pool.google.url)
    assert json.loads(told.read_text()) == [POOL, JWT, TARGET, "0", "0"]


def test_a_programs_file(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that writes nothing has left its answer in the output file."""
    monkeypatch.setenv(ALLOW, "1")
    answer = {"version": 1, "success": True, "token_type": JWT, "id_token": pool.token()}
    source = program(pool, None, output_file=pool.file(json.dumps(answer)))
    assert pool.opened(pool.info(source)).token().access_token


@pytest.mark.parametrize(
    "answer",
    [
        {"version": 1, "success": False, "code": "401", "message": "canary"},
        {"version": 2, "success": True, "token_type": JWT, "id_token": "canary"},
        {"version": 1, "success": True, "token_type": "other", "id_token": "canary"},
        {"version": 1, "success": True, "token_type": JWT, "saml_response": "canary"},
        ["canary"],
    ],
)
def test_a_program_without_a_token(answer: Any, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer without a token is refused, with its code and without its words."""
    monkeypatch.setenv(ALLOW, "1")
    failure = pool.refused(pool.info(program(pool, answer)))
    assert failure.code == "assertion_missing"
    assert "canary" not in f"{failure} {failure.hint}"
    assert ("code 401" in failure.message) == (isinstance(answer, dict) and "code" in answer)


@pytest.mark.parametrize("value", [None, "0", "true"])
def test_a_program_that_is_not_allowed(value: str | None, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the variable nothing is run, and the hint says which; taken away later, nothing is run either."""
    answer = {"version": 1, "success": True, "token_type": JWT, "id_token": pool.token()}
    info = pool.info(program(pool, answer))
    monkeypatch.setenv(ALLOW, "1")
    creds = pool.opened(info)
    monkeypatch.delenv(ALLOW) if value is None else monkeypatch.setenv(ALLOW, value)
    for attempt in (lambda: pool.opened(info), creds.token):
        with pytest.raises(ConfigError) as caught:
            attempt()
        assert caught.value.code == "executables_not_allowed"
        assert f"{ALLOW}=1" in caught.value.hint


def test_aws(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's signed request is the subject token, for this pool, by the keys of the environment."""
    for name, value in {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_REGION": "eu-west-1"}.items():
        monkeypatch.setenv(name, value)
    sent: list[Request] = []

    class Keeping:
        def send(self, request: Request, deadline: Deadline) -> Response:  # noqa: ARG002 - the port's signature
            sent.append(request)
            return Response(200, {}, b'{"access_token": "t", "token_type": "Bearer", "expires_in": 60}')

    kind = "urn:ietf:params:aws:token-type:aws4_request"
    source = {
        "environment_id": "aws1",
        "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
    }
    pool.opened(pool.info(source, subject_token_type=kind), transport=Keeping()).token()
    form = parse_qs(sent[0].body.decode())
    assert form["subject_token_type"] == [kind]
    signed = json.loads(unquote(form["subject_token"][0]))
    assert {"key": "x-goog-cloud-target-resource", "value": POOL} in signed["headers"]
    assert signed["url"] == "https://sts.eu-west-1.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"


@pytest.mark.parametrize(
    ("claims", "kind", "words"),
    [
        ({"aud": "https://elsewhere.example"}, InvalidGrant, "Allowed audiences"),
        ({"iss": "https://other.example"}, InvalidGrant, "issuer URI"),
        ({"key": OTHER_RSA}, InvalidGrant, "a key that the issuer publishes"),
    ],
)
def test_its_no(claims: dict[str, Any], kind: type, words: str, pool: Pool) -> None:
    """A token that the pool does not trust is refused with what to compare."""
    refusal = pool.refused(pool.info({"file": pool.file(pool.token(**claims))}))
    assert isinstance(refusal, kind)
    assert words in refusal.hint


@pytest.mark.parametrize(("name", "kind"), [("projects/demo", InvalidRequest), (POOL + "-2", InvalidTarget)])
def test_another_pool(name: str, kind: type, pool: Pool) -> None:
    """A pool's name that is none, or nobody's, is told apart."""
    refusal = pool.refused(pool.info(audience=name))
    assert isinstance(refusal, kind)
    assert "pool" in refusal.hint


def test_a_condition(pool: Pool) -> None:
    """A refusal by the provider's condition says where it stands."""
    body = {
        "error": "unauthorized_client",
        "error_description": "The given credential is rejected by the attribute condition.",
    }
    with pool.google.authority.answer(401, body):
        assert "attribute condition" in pool.refused().hint


def test_for_a_service_account(sa_clock: ManualClock, tmp_path: Path) -> None:
    """The file's service account is acted for by the pool's own token, with a life of its own; and another by replace()."""
    with serving("google_impersonation", sa_clock) as google:
        pool = Pool(google, tmp_path)
        google.authority.audience = (f"https:{POOL}",)
        info = pool.info(
            service_account_impersonation_url=ACTING, service_account_impersonation={"token_lifetime_seconds": 900}
        )
        with pool.opened(info, token_endpoint=f"{google.url}/token", server=google.url) as creds:
            token = creds.token()
            assert token.expires_at == pytest.approx(sa_clock.now().wall + 900, abs=1)
            first, second = google.authority.requests
            assert first.form["scope"] == "https://www.googleapis.com/auth/iam"
            assert second.path.endswith(f"/{TARGET}:generateAccessToken")
            other = creds.replace(subject="other@demo.iam.gserviceaccount.com")
            assert other.token().access_token != token.access_token
            assert google.authority.requests[-1].path.endswith(
                "/other@demo.iam.gserviceaccount.com:generateAccessToken"
            )
            assert len(google.authority.requests) == 3  # the pool's own token is shared


def test_by_code_alone(pool: Pool) -> None:
    """Without a file the grant says whose token is exchanged."""
    grant = TokenExchange(FromFile(pool.file()), audience=POOL, requested_token_type="access_token")
    creds = ServiceAccountCredentials(
        provider=NAME, grant=grant, scope=SCOPE, token_endpoint=f"{pool.google.url}/v1/token", clock=pool.google.clock,
        cache=MemoryCache(),
    )  # fmt: skip
    assert creds.token().access_token
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials(provider=NAME, scope=SCOPE)
    assert caught.value.code == "no_source"


def test_who_pays(pool: Pool) -> None:
    """A workforce pool's project goes into the options, percent-encoded JSON; a client proves itself by its secret."""
    with pool.opened(pool.info(workforce_pool_user_project="demo")) as creds:
        creds.token()
    assert json.loads(unquote(pool.google.authority.requests[-1].form["options"])) == {"userProject": "demo"}
    assert "canary" not in repr(pool.opened(pool.info(client_id="app", client_secret="canary")))


def test_it_has_to_be_named(pool: Pool) -> None:
    """Such a file names what will be followed, so code says that it is trusted; as another vendor's it is refused."""
    with pytest.raises(KeyFileError) as caught:
        ServiceAccountCredentials.from_info(pool.info(), scope=SCOPE)
    assert NAME in caught.value.hint
    with pytest.raises(KeyFileError):
        pool.opened(provider="google")
    with pytest.raises(KeyFileError):
        pool.opened({"type": "service_account"})


@pytest.mark.parametrize(
    "change",
    [{"token_url": "https://evil.example/v1/token"},
     {"service_account_impersonation_url": ACTING.replace("googleapis.com", "evil.example")}],
)  # fmt: skip
def test_elsewhere(change: dict[str, Any], pool: Pool) -> None:
    """Addresses of the file that are not Google's are refused; in code they may be any."""
    with pytest.raises(ConfigError) as caught:
        pool.opened(pool.info(**change), token_endpoint=None)
    assert caught.value.code == "foreign_endpoint"
    assert pool.opened(pool.info(**change), server="https://iamcredentials.example.cloud")


@pytest.mark.parametrize(
    "change",
    [{"client_id": "a"}, {"client_secret": "a"}, {"client_id": "a", "client_secret": []}, {"workforce_pool_user_project": 7},
     {"service_account_impersonation_url": ACTING, "service_account_impersonation": "x"}],
    ids=json.dumps,
)  # fmt: skip
def test_fields_that_would_be_lost(change: dict[str, Any], pool: Pool) -> None:
    """What cannot be followed as it stands is refused, not passed over."""
    with pytest.raises(KeyFileError) as caught:
        pool.opened(pool.info(**change))
    assert (caught.value.code, bool(caught.value.hint)) == ("key_file_field", True)


@pytest.mark.parametrize("name", ["audience", "subject_token_type", "token_url", "credential_source"])
@pytest.mark.parametrize("value", [None, "", 5])
def test_half_a_file(name: str, value: Any, pool: Pool) -> None:
    """A file without one of its fields is refused by the field's name."""
    info = {**pool.info(), name: value}
    with pytest.raises(KeyFileError) as caught:
        pool.opened({key: one for key, one in info.items() if one is not None})
    assert repr(name) in caught.value.message


@pytest.mark.parametrize(
    "source",
    [{}, {"file": ""}, {"file": "a", "url": "https://b.example"}, {"certificate": {}}, {"url": 5},
     {"url": "http://169.254.169.254/t"}, {"url": "https://b.example", "headers": {"A": 5}},
     {"file": "a", "format": {"type": "xml"}}, {"file": "a", "format": {"type": "json"}},
     {"executable": {}}, {"executable": {"command": ""}}, {"executable": {"command": "a 'b"}},
     {"executable": {"command": "a", "timeout_millis": 4999}}, {"executable": {"command": "a", "timeout_millis": 120_001}},
     {"environment_id": "aws2", "regional_cred_verification_url": "https://sts.{region}.amazonaws.com"},
     {"environment_id": "aws1"}, {"environment_id": "aws1", "regional_cred_verification_url": "https://evil.example"}],
    ids=lambda source: json.dumps(source)[:60],
)  # fmt: skip
def test_no_source(source: dict[str, Any], pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that cannot work is refused when the file is opened."""
    monkeypatch.setenv(ALLOW, "1")
    with pytest.raises(ConfigError) as caught:
        pool.opened(pool.info(source))
    assert caught.value.hint


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"scope": ()}, "no_scope"), ({"audience": "https://a.example"}, "bad_argument"), ({"lifetime": 60}, "bad_argument"),
     ({"subject": "a/b"}, "bad_subject")],
)  # fmt: skip
def test_what_cannot_work(changes: dict[str, Any], code: str, pool: Pool) -> None:
    """What the STS does not take is refused at construction."""
    with pytest.raises(ConfigError) as caught:
        pool.opened(**changes)
    assert caught.value.code == code


def test_a_key(pool: Pool) -> None:
    """A key of one's own has no part in it."""
    grant = TokenExchange(FromFile(pool.file()), audience=POOL)
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials(RSA, provider=NAME, grant=grant, scope=SCOPE, issuer="a")
    assert caught.value.code == "bad_argument"


def test_whose_tokens(pool: Pool) -> None:
    """Another pool, source or service account is another identity; the same configuration shares its token."""
    acting = pool.info(service_account_impersonation_url=ACTING)
    other = {"file": str(pool.folder / "other")}
    infos = (
        pool.info(),
        acting,
        pool.info(audience=POOL + "-2"),
        pool.info(other),
        {**acting, "audience": POOL + "-2"},
    )
    assert len({pool.opened(info).identity for info in infos}) == 5
    assert pool.opened(acting).identity == pool.opened(acting).identity


def test_in_another_process(pool: Pool) -> None:
    """Credentials of a file travel by its path, with a service account behind them too."""
    path = pool.folder / "pool.json"
    path.write_text(json.dumps(pool.info(service_account_impersonation_url=ACTING)))
    path.chmod(0o600)
    creds = ServiceAccountCredentials.from_file(path, provider=NAME, scope=SCOPE)
    text = pickle.dumps(creds)
    assert b"eyJ" not in text
    assert pickle.loads(text).identity == creds.identity  # noqa: S301 - our own
