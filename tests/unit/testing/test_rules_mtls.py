"""The rule for clients with a certificate, and tokens that are bound to one."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path
from urllib.parse import urlencode

from sa_auth.testing import Authority
from sa_auth.testing.rules import mtls
from tests.unit.testing.kit import Forge, Judged, Kit, Pair, certificate, rules_of, shown


def by(name: str | None, **fields: str) -> Forge:
    """A request by "box" over a connection with this certificate."""
    headers = {} if name is None else shown(name)
    return lambda kit: kit.credentials(headers, **{"client_id": "box", **fields})


plain = by("box")
PAIRS: dict[str, list[Pair]] = {
    "client_certificate_same": [Pair(plain, by("app"), "invalid_client", 401)],
    "client_authenticated": [
        Pair(plain, by(None), "invalid_client", 401),
        Pair(plain, lambda kit: kit.credentials(shown("box")), "invalid_client", 401),
        Pair(plain, lambda kit: kit.credentials({"client-cert": ":%%%:"}, client_id="box"), "invalid_client", 401),
    ],
}


def test_every_rule_has_such_a_pair() -> None:
    """No rule of the family is left out."""
    assert set(PAIRS) >= rules_of(mtls)


class TestPairs(Judged):
    """Each request of the table is judged by its rule."""

    pairs = PAIRS


def test_the_record_names_the_method(kit: Kit) -> None:
    """The client is "box", by mutual TLS, and its token is bound to the certificate."""
    token = kit.certified_token()
    record = kit.authority.requests[-1]
    assert (record.client, record.client_method) == ("box", "tls_client_auth")
    statuses = [kit.authority.handle(kit.call(token, headers)).status for headers in (shown("box"), shown("app"), {})]
    assert statuses == [200, 401, 401]


def test_only_who_has_a_certificate_gets_a_bound_token(kit: Kit) -> None:
    """A client without one gets a plain token, whatever the connection shows."""
    token = kit.send(kit.credentials(shown("box"), **kit.client()))["access_token"]
    assert kit.authority.handle(kit.call(token)).status == 200


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext, ssl.SSLContext]:
    """TLS for the server, for "box", and for somebody without a certificate."""
    for name in ("app", "box"):
        folder.joinpath(f"{name}.pem").write_text("".join(certificate(name)))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "app.pem")
    server.load_verify_locations(cadata=certificate("box")[0])
    server.verify_mode = ssl.CERT_OPTIONAL
    clients = [ssl.create_default_context(cadata=certificate("app")[0]) for _ in range(2)]
    clients[0].load_cert_chain(folder / "box.pem")
    return server, clients[0], clients[1]


def over(
    port: int, tls: ssl.SSLContext, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, bytes]:
    """One request over TLS."""
    connection = http.client.HTTPSConnection("localhost", port, context=tls, timeout=10)
    try:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request(
            method, path, body, {**kind, **{name.replace("_", "-"): text for name, text in headers.items()}}
        )
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_the_server_hands_the_certificate_on_and_nothing_that_is_claimed(tmp_path: Path) -> None:
    """Over real TLS the handshake's certificate counts, and a header field that a client writes itself does not."""
    authority = Authority()
    authority.register("box", certificate=certificate("box")[0])
    server_tls, with_one, without = contexts(tmp_path)
    form = urlencode({"grant_type": "client_credentials", "client_id": "box"}).encode()
    claimed = shown("box")["client-cert"]
    with authority.serve(ssl_context=server_tls) as server:
        port = int(server.url.rpartition(":")[2])
        assert over(port, without, "POST", "/token", form)[0] == 401
        assert over(port, without, "POST", "/token", form, client_cert=claimed)[0] == 401
        status, body = over(port, with_one, "POST", "/token", form, client_cert=":AAAA:")
        assert status == 200, authority.explain()
        bearer = f"Bearer {json.loads(body)['access_token']}"
        assert over(port, with_one, "GET", "/api/files", Authorization=bearer)[0] == 200
        assert over(port, without, "GET", "/api/files", Authorization=bearer, client_cert=claimed)[0] == 401
        status, body = over(port, without, "GET", "/.well-known/oauth-authorization-server")
    fields = json.loads(body)
    assert fields["mtls_endpoint_aliases"]["token_endpoint"] == fields["token_endpoint"] == server.token_endpoint
