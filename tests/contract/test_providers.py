"""What every provider on the shelf keeps to, and what it sends beside what its vendor's own library was seen to send."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sa_auth import ConfigError, ServiceAccountCredentials
from sa_auth.caches import MemoryCache
from sa_auth.providers import PROVIDERS, Provider
from sa_auth.testing import ManualClock
from sa_auth.testing.dialects import DIALECTS
from sa_auth.wire import Request, Response
from tests.contract.material import MATERIAL
from tests.vectors.capture import Got, jwt_of, read

VECTORS = sorted((Path(__file__).parents[1] / "vectors" / "providers").glob("*.json"))
ALGORITHMS = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
FILLED = {"server", "endpoint", "host", "issuer", "subject"}
HINTS = {"iss", "sub", "aud", "kid", "alg", "scope", "client_id", "x5t", "x5t_s256"}


@pytest.fixture(params=sorted(PROVIDERS))
def provider(request: pytest.FixtureRequest) -> Provider:
    """Each row of the table."""
    found: Provider = PROVIDERS[request.param]
    assert found.name == request.param
    return found


def test_the_page_is_written(provider: Provider) -> None:
    """A vendor has a title, sources, an example, and says how far it was proven."""
    page = provider.page
    assert page.title
    assert page.example
    assert page.sources
    assert page.proven
    if provider.name != "generic":
        assert page.console
        assert f'provider="{provider.name}"' in page.example or "from_file" in page.example


def test_its_data_are_whole(provider: Provider) -> None:
    """Algorithms are JOSE's, texts are filled by known names, limits are in order, patterns and hints can be used."""
    assert set(provider.algorithms) <= ALGORITHMS
    texts = (provider.token_endpoint, provider.audience, provider.revocation_endpoint, *provider.api_headers.values())
    for text in filter(None, texts):
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= FILLED
    assert provider.longest is None or provider.lifetime + provider.backdate <= provider.longest + provider.backdate
    assert provider.subject in {"optional", "required", "default", "issuer", "none", "address"}
    assert provider.scope_claim in {"always", "given", "never"}
    for known in provider.known:
        re.compile(known.pattern)
        assert {name for _, name, _, _ in string.Formatter().parse(known.hint) if name} <= HINTS
        assert known.hint.endswith(".")


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path) -> None:
    """What we send is what the vendor's library, or its page, has: field by field, or a reason stands beside it."""
    vector = json.loads(path.read_text(encoding="utf-8"))
    explained: Mapping[str, str] = vector.get("explained", {})
    assert all(len(reason) > 10 for reason in explained.values())
    # An id of its own stands in every assertion of ours, whoever asks for it (docs/faults.md line 3).
    theirs, ours = (
        {k: v for k, v in flat(one).items() if not k.endswith(".jti")} for one in (vector["seen"], sent(vector))
    )
    different = {name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name)}
    assert different == set(explained), {
        name: (theirs.get(name), ours.get(name)) for name in different ^ set(explained)
    }


def flat(value: Any, before: str = "") -> dict[str, Any]:
    """Nested fields by their path. The order of a set that a vendor calls a list does not matter there."""
    if isinstance(value, dict):
        return {name: one for key, item in value.items() for name, one in flat(item, f"{before}{key}.").items()}
    return {before.rstrip("."): value}


class Catching:
    """A transport that keeps what it was given."""

    def __init__(self, answer: Mapping[str, Any]) -> None:
        self.requests: list[Request] = []
        self.answer = answer

    def send(self, request: Request, deadline: Any) -> Response:
        """Keeps it."""
        self.requests.append(request)
        return Response(200, {}, json.dumps(self.answer).encode())


def sent(vector: Mapping[str, Any]) -> dict[str, Any]:
    """What we send for the arguments of a vector, as `read` tells it."""
    material = MATERIAL[vector["ours"]["key"]] if vector["ours"].get("key") else None
    transport = Catching(vector["ours"].get("answer", {"access_token": "t", "token_type": "Bearer", "expires_in": 600}))
    arguments = {
        name: material.fill(value) if material else value for name, value in vector["ours"]["arguments"].items()
    }
    creds = material.credentials if material else ServiceAccountCredentials
    made = creds(**arguments, transport=transport, clock=ManualClock(), cache=MemoryCache())  # type: ignore[operator]
    token = made.token_for(*vector["ours"]["call"]) if "call" in vector["ours"] else made.token()
    known = material.known if material else {}
    if not transport.requests:
        return {"jwts": {"token": json.loads(_replaced(json.dumps(jwt_of(token.access_token)), known))}}
    request = transport.requests[vector["ours"].get("request", 0)]
    headers = {name.lower(): value for name, value in request.headers.items()}
    path = "/" + request.url.split("://", 1)[1].partition("/")[2]
    return read(Got(request.method, path, headers, request.body), known)


def _replaced(text: str, known: Mapping[str, str]) -> str:
    for value, name in sorted(known.items(), key=lambda item: -len(item[0])):
        text = text.replace(json.dumps(value)[1:-1], name)
    return text


@pytest.mark.parametrize("name", sorted(set(PROVIDERS) - {"generic"}))
def test_there_is_a_dialect_or_a_reason(name: str) -> None:
    """The local authority plays every vendor's dialect."""
    assert name in DIALECTS


def test_an_unknown_provider() -> None:
    """A name that is none is answered with those there are."""
    with pytest.raises(ConfigError) as caught:
        ServiceAccountCredentials(MATERIAL["p256"].pair[0], provider="gogle")
    assert "google" in caught.value.hint
