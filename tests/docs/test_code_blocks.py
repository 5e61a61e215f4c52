"""Every code block of the README and the documentation runs, and what they show is what is printed."""

from __future__ import annotations

import json
import re
import time
from contextlib import ExitStack
from pathlib import Path

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from requests.adapters import HTTPAdapter

from sa_auth import InvalidGrant, ServiceAccountCredentials
from sa_auth.caches import named
from sa_auth.caches.memory import PROCESS
from sa_auth.testing import Authority, google_key_file, new_key
from sa_auth.testing.dialects import DIALECTS
from sa_auth.wire import Response
from tests.contract.material import MATERIAL
from tests.docs.clouds import playing
from tests.docs.vendors import make_all, write

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
EMAIL = "robot@demo.iam.gserviceaccount.com"
SERVER = "https://login.example"
TOKEN_HOSTS = {"oauth2.googleapis.com", "login.example"}


def blocks(language: str) -> list[pytest.ParameterSet]:
    """The fenced blocks of a language, each with where it stands."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
            line = text[: match.start()].count("\n") + 2
            found.append(pytest.param(page, line, match.group(1), id=f"{page.name}:{line}"))
    return found


@pytest.fixture
def world(request, tmp_path, monkeypatch):
    """The files and hosts that the documentation speaks of, all of them on this machine."""
    away = {}
    private, public = new_key("rsa2048")
    authority = Authority(issuer=SERVER, audience=[f"https://{host}/{path}" for host, path in (
        ("oauth2.googleapis.com", "token"), ("login.example", "oauth2/token"))])  # fmt: skip
    authority.metadata_changes = {
        "issuer": SERVER, "token_endpoint": f"{SERVER}/oauth2/token", "revocation_endpoint": f"{SERVER}/revoke",
    }  # fmt: skip
    authority.register(EMAIL, public)
    authority.register("my-client-id", public)
    authority.trust_issuer("https://sts.example", public, subjects={"robot": "my-client-id"})
    authority.register("my-app", public, client_id="my-app", client_secret="my-secret")
    # No token of another block is taken over: its authority is gone.
    monkeypatch.setattr(PROCESS, "_held", None)
    # A cache by name is the process's, and the folder of this test.
    monkeypatch.setattr(named, "_named", {})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TOKEN_CACHE_KEY", "k" * 43)
    with authority.serve() as server:
        carry = HTTPAdapter.send

        def send(adapter, request, *args, **kwargs):
            parts = requests.utils.urlparse(request.url)
            if parts.hostname in away:
                request.url = away[parts.hostname] + request.path_url
            elif parts.hostname != "127.0.0.1":
                known = parts.path if parts.path.startswith(("/.well-known/", "/revoke")) else "/token"
                home = f"{server.url}{known}" if parts.hostname in TOKEN_HOSTS else f"{server.api_url}/{parts.hostname}"
                request.url = home
            return carry(adapter, request, *args, **kwargs)

        monkeypatch.setattr(HTTPAdapter, "send", send)
        _lead_other_clients(server.api_url, monkeypatch)
        monkeypatch.chdir(tmp_path)
        google_key_file(
            "key.json", email=EMAIL, private_key_pem=private, token_uri="https://oauth2.googleapis.com/token"
        )
        (tmp_path / "robot.pem").write_text(private)
        (tmp_path / "robot.pem").chmod(0o600)
        (tmp_path / "token.jwt").write_text(_assertion(private))
        (tmp_path / "robot.pfx").write_bytes(_pfx(private))
        (tmp_path / "robot.pfx").chmod(0o600)
        write(tmp_path / "ec.pem", new_key("p256")[0])
        write(tmp_path / "robot-and-certificate.pem", private + MATERIAL["rsa2048"].certificate.decode())
        make_all(tmp_path, private)
        with ExitStack() as stack:
            if (
                getattr(request.node, "callspec", None)
                and request.node.callspec.params["page"].name == "signers-cloud.md"
            ):
                away.update(stack.enter_context(playing(authority)))
            yield authority


@pytest.fixture
def vendors(world, monkeypatch):
    """Salesforce and Microsoft, for the libraries of others: each host is the local authority in that vendor's dialect."""
    public = load_pem_private_key(Path("robot.pem").read_bytes(), None).public_key()
    # simple-salesforce writes `exp` as a text and msal as a number with a fraction: both vendors take what RFC 7519 does not.
    dates = {"exp_present", "exp_ahead", "exp_near", "dates_whole", "nbf_passed", "iat_not_ahead", "iat_recent"}
    dates |= {f"client_{name}" for name in dates} | {"entra_claims"}
    lenient = {
        name: DIALECTS[name]._replace(
            without=DIALECTS[name].without | dates,
            rules=tuple(one for one in DIALECTS[name].rules if one.name not in dates),
        )
        for name in ("salesforce", "entra")
    }
    salesforce = Authority(dialect=lenient["salesforce"])
    salesforce.register("CONSUMER_KEY", public, subjects="robot@acme.example")
    tenant = "https://login.microsoftonline.com/contoso.onmicrosoft.com"
    entra = Authority(dialect=lenient["entra"])
    entra.register("my-client-id", public)
    metadata = {
        "issuer": f"{tenant}/v2.0", "token_endpoint": f"{tenant}/oauth2/v2.0/token",
        "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
        "tenant_discovery_endpoint": f"{tenant}/v2.0/.well-known/openid-configuration", "metadata": [],
    }  # fmt: skip
    carry = HTTPAdapter.send
    with salesforce.serve() as sales, entra.serve() as directory:
        sales._listener.scheme = directory._listener.scheme = "https"  # as those who ask believe
        homes = {
            "login.salesforce.com": sales.url, "acme.my.salesforce.com": sales.api_url, "login.microsoftonline.com": directory.url,
        }  # fmt: skip

        def send(adapter, request, *args, **kwargs):
            parts = requests.utils.urlparse(request.url)
            if parts.path.endswith(("/.well-known/openid-configuration", "/discovery/instance")):
                answer = requests.Response()
                answer.status_code, answer._content, answer.request = 200, json.dumps(metadata).encode(), request
                return answer
            if parts.hostname in homes:
                request.url = f"{homes[parts.hostname]}{parts.path}"
                request.headers["Host"] = parts.hostname
            return carry(adapter, request, *args, **kwargs)

        monkeypatch.setattr(HTTPAdapter, "send", send)
        yield


def _lead_other_clients(api: str, monkeypatch):
    """What the clients beside `requests` send to hosts goes to the API on this machine."""
    import aiohttp
    import httpx2
    import urllib3

    asked, opened = aiohttp.ClientSession._request, urllib3.PoolManager.urlopen
    handle, handle_async = httpx2.HTTPTransport.handle_request, httpx2.AsyncHTTPTransport.handle_async_request

    def led(request):
        request.url = httpx2.URL(f"{api}/{request.url.host}")
        return request

    monkeypatch.setattr(
        aiohttp.ClientSession, "_request", lambda me, method, _url, **more: asked(me, method, api, **more)
    )
    monkeypatch.setattr(
        urllib3.PoolManager, "urlopen", lambda me, method, _url, **more: opened(me, method, api, **more)
    )
    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", lambda me, request: handle(me, led(request)))
    monkeypatch.setattr(
        httpx2.AsyncHTTPTransport, "handle_async_request", lambda me, request: handle_async(me, led(request))
    )


def _assertion(private: str) -> str:
    """What a token service would have put into its file."""
    now = int(time.time())
    claims = {"iss": "https://sts.example", "sub": "robot", "aud": SERVER, "iat": now, "exp": now + 300, "jti": "1"}
    return jwt.encode(claims, private, algorithm="RS256")


def _pfx(private: str) -> bytes:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
    from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

    from tests.samples.test_samples import self_signed

    key = load_pem_private_key(private.encode(), None)
    return serialize_key_and_certificates(b"robot", key, self_signed(key), None, BestAvailableEncryption(b"..."))


@pytest.mark.parametrize(("page", "line", "code"), blocks("python"))
def test_python_block(page, line, code, world, request):
    """A block of Python runs as it stands."""
    if page.parent.name == "migration":
        request.getfixturevalue("vendors")
    exec(compile("\n" * (line - 1) + code, str(page), "exec"), {"__name__": "block"})  # noqa: S102


@pytest.mark.parametrize(("page", "line", "code"), blocks("sh"))
def test_make_targets(page, line, code):
    """A shell block names only targets that the Makefile has."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z-]+)", code, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


class Refusing:
    """A transport to a server that knows another key."""

    def send(self, request, deadline):
        return Response(400, {}, b'{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}')


def test_the_refusal_in_the_readme():
    """The refusal shown in the README is what is printed, word for word."""
    private, _ = new_key("rsa2048")
    info = google_key_file(None, email=EMAIL, private_key_pem=private, key_id="0a1b",
                           token_uri="https://oauth2.googleapis.com/token")  # fmt: skip
    creds = ServiceAccountCredentials.from_info(info, transport=Refusing())
    with pytest.raises(InvalidGrant) as refusal:
        creds.token()
    shown = re.search(r"```text\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL).group(1)
    assert " ".join(shown.split()) == str(refusal.value)
