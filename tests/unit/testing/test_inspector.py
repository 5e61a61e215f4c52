"""The inspector without a browser: what it serves, to whom, and what it keeps to itself."""

from __future__ import annotations

import base64
import http.client
import json
import shlex
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import jwt
import pytest

from sa_auth.testing import Authority, Inspector, ManualClock, Server, new_key, redaction
from sa_auth.testing.inspector import ROOT
from sa_auth.testing.rules import RULES
from sa_auth.wire import Request
from tests.unit.testing.kit import JWT_CLIENT, SECRET, URN, Kit

PAGES = ("inspector.css", "inspector.js", "detail.js", "timeline.js", "timeline.css", "icon.svg")


@pytest.fixture
def inspector(kit: Kit) -> Inspector:
    """The inspector of the kit's authority, whose clients renew 300 s ahead."""
    return Inspector(kit.authority, lead=300)


def ask(
    inspector: Inspector, rest: str = "", method: str = "GET", host: str = "127.0.0.1:8080", key: str | None = None
):
    """One request to it: the status, the header fields, and the body as text."""
    path = inspector.path if key is None else f"{ROOT}{key}/"
    answer = inspector.handle(Request(f"{path}{rest}", headers={"host": host}, method=method))
    return answer.status, answer.headers, answer.body.decode()


def read(inspector: Inspector, rest: str) -> dict[str, Any]:
    """What it answers as JSON."""
    status, _, body = ask(inspector, rest)
    assert status == 200, body
    fields: dict[str, Any] = json.loads(body)
    return fields


def refuse(kit: Kit, **changes: Any) -> dict[str, Any]:
    """A request that is refused, since its audience is another server's."""
    grant = kit.grant(**{"aud": "https://other.example/token", **changes})
    return kit.send(kit.post(grant_type=f"{URN}:grant-type:jwt-bearer", assertion=grant, scope="orders.read"))


def accept(kit: Kit) -> str:
    """A request that is accepted; its token."""
    fields = kit.send(kit.post(grant_type=f"{URN}:grant-type:jwt-bearer", assertion=kit.grant(), scope="orders.read"))
    return str(fields["access_token"])


class TestWhatItShows:
    """The list and an opened request."""

    def test_the_list_holds_what_is_new(self, kit: Kit, inspector: Inspector) -> None:
        """Whoever asks for what came after a request gets no older one, and the counts beside it."""
        accept(kit)
        refuse(kit)
        everything = read(inspector, "requests")
        assert [each["number"] for each in everything["requests"]] == [1, 2]
        assert [each["status"] for each in everything["requests"]] == [200, 400]
        assert (everything["newest"], everything["exchanges"]) == (2, 1)
        assert [each["number"] for each in read(inspector, "requests?after=1")["requests"]] == [2]
        assert read(inspector, "requests?after=2")["requests"] == []

    def test_a_list_that_began_anew_is_sent_whole(self, kit: Kit, inspector: Inspector) -> None:
        """A page that saw more than there is now, as all was forgotten meanwhile, gets what there is."""
        for _ in range(3):
            refuse(kit)
        kit.authority.clear()
        refuse(kit)
        news = read(inspector, "requests?after=3")
        assert (news["newest"], len(news["requests"])) == (1, 1)

    def test_an_opened_request_has_each_verdict_with_its_sentence(self, kit: Kit, inspector: Inspector) -> None:
        """Each rule that had a say stands there with its verdict, section and the sentence it goes by."""
        refuse(kit)
        shown = read(inspector, "requests/1")
        rules = {(rule.name, rule.section): rule.sentence for rule in RULES}
        assert len(shown["verdicts"]) > 30
        for verdict in shown["verdicts"]:
            assert verdict["sentence"] == rules[verdict["rule"], verdict["section"]] != ""
        broken = [verdict for verdict in shown["verdicts"] if verdict["result"] == "broken"]
        assert [(verdict["rule"], verdict["section"]) for verdict in broken] == [
            ("aud_names_server", "RFC 7523 section 3, 3")
        ]
        assert broken[0]["sentence"].startswith("The authorization server MUST reject any JWT")
        assert "https://other.example/token" in broken[0]["detail"]

    def test_header_claims_and_form(self, kit: Kit, inspector: Inspector) -> None:
        """The assertion's header and claims and the form's other fields are shown as they came."""
        refuse(kit)
        shown = read(inspector, "requests/1")
        assert shown["parts"][0]["header"] == {"alg": "ES256", "typ": "JWT"}
        assert shown["parts"][0]["claims"]["aud"] == "https://other.example/token"
        assert ["scope", "orders.read"] in shown["form"]

    def test_a_dialects_rules_have_their_sentences_too(self, clock: ManualClock) -> None:
        """What a vendor demands beyond the RFCs is shown with the words of its page."""
        authority = Authority(clock, dialect="google")
        inspector = Inspector(authority)
        body = urlencode({"grant_type": f"{URN}:grant-type:jwt-bearer", "assertion": "x"}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        authority.handle(Request(authority.token_endpoint, body, kind))
        verdicts = {each["rule"]: each for each in read(inspector, "requests/1")["verdicts"]}
        assert verdicts["google_rs256"]["sentence"] == "Service accounts rely on the RSA SHA-256 algorithm"
        assert verdicts["google_rs256"]["section"].startswith("https://developers.google.com/")

    def test_the_key_it_was_checked_with(self, clock: ManualClock) -> None:
        """Of several keys the one that made the signature is shown, by kid, thumbprint, PEM and JWK."""
        kit = Kit(clock)
        kit.authority.register("robot", new_key("p256")[1], key_id="other")
        refuse(kit)
        (key,) = read(Inspector(kit.authority), "requests/1")["keys"]
        assert (key["kid"], key["signed"], key["algorithms"]) == (None, True, ["ES256"])
        assert key["pem"] == kit.keys["robot"][1]
        assert key["jwk"] == kit.jwk("robot")
        assert len(base64.urlsafe_b64decode(f"{key['thumbprint']}=")) == 32

    def test_keys_that_did_not_sign(self, kit: Kit, inspector: Inspector) -> None:
        """Where no key made the signature, those that were tried are shown, and that none of them did."""
        kit.send(kit.post(grant_type=f"{URN}:grant-type:jwt-bearer", assertion=kit.jwt("stranger", {"iss": "robot"})))
        assert [key["signed"] for key in read(inspector, "requests/1")["keys"]] == [False]

    def test_a_request_that_is_not_kept(self, inspector: Inspector) -> None:
        """An unknown request is 404 and a sentence."""
        assert ask(inspector, "requests/7")[::2] == (404, "This request is not kept any more.\n")

    def test_a_fault_is_marked(self, kit: Kit, inspector: Inspector) -> None:
        """An answer that was a fault is told from one that was a refusal."""
        with kit.authority.down(503):
            refuse(kit, aud=kit.authority.token_endpoint)
        (shown,) = read(inspector, "requests")["requests"]
        assert (shown["planned"], shown["status"], shown["broken"]) == (True, 503, [])


class TestWhatItHides:
    """Nothing that it serves lets anybody in."""

    def canaries(self, kit: Kit) -> set[str]:
        """Sends requests with every kind of secret; the secrets."""
        kit.authority.refresh_tokens = "rotate"
        kind = f"{URN}:token-type:access_token"
        token = accept(kit)
        grant, client = kit.grant(), kit.client()
        code = kit.authority.issue_code("shop", scope="a")
        refresh = kit.authority.issue_refresh_token("shop")
        basic = base64.b64encode(f"shop:{SECRET}".encode()).decode()
        proof = kit.proof()["DPoP"]
        bearer = f"{URN}:grant-type:jwt-bearer"
        for request in (
            kit.post(grant_type=bearer, assertion=grant, **client),
            kit.post(headers={"Authorization": f"Basic {basic}", "Cookie": "canary-cookie", "DPoP": proof},
                     grant_type="authorization_code", code=code, code_verifier="canary-verifier" * 4),
            kit.post(grant_type="refresh_token", refresh_token=refresh, client_id="shop", client_secret=SECRET),
            kit.post(grant_type=f"{URN}:grant-type:token-exchange", subject_token=token, subject_token_type=kind,
                     actor_token="canary-actor", actor_token_type=kind, **kit.client()),
            kit.post(grant_type="password", username="ann", password="canary-password", api_key="canary-key"),
            kit.post(grant_type="client_credentials", client_assertion_type=JWT_CLIENT, client_assertion="canary.odd"),
            kit.post("/revoke", token=token, client_id="shop", client_secret=SECRET),
        ):  # fmt: skip
            kit.authority.handle(request)
        kit.authority.handle(kit.call(token, kit.proof(token=token), "DPoP"))
        signatures = {each.rpartition(".")[2] for each in (grant, client["client_assertion"], proof)}
        return {
            token, code, refresh, basic, SECRET, *signatures, "canary-cookie", "canary-verifier", "canary-actor",
            "canary-password", "canary-key", "canary.odd",
        }  # fmt: skip

    def test_no_secret_is_served(self, kit: Kit, inspector: Inspector) -> None:
        """Secrets, tokens, codes, passwords and signatures are in no list, no opened request and no timeline."""
        secrets = self.canaries(kit)
        newest = read(inspector, "requests")["newest"]
        everything = [ask(inspector, rest)[2] for rest in ("requests", "timeline")]
        everything += [ask(inspector, f"requests/{number}")[2] for number in range(1, newest + 1)]
        assert newest == 9
        for secret in secrets:
            assert not any(secret in body or json.dumps(secret)[1:-1] in body for body in everything), secret

    def test_a_jwt_within_other_text_loses_its_signature(self, kit: Kit, inspector: Inspector) -> None:
        """A JWT in a claim, in a scope or in a rule's words is shown without its signature."""
        inner = jwt.encode({"a": 1}, kit.keys["app"][0], algorithm="ES256")
        refuse(kit, act=[{"was": f"of jwt-{inner}"}], aud=f"https://x.example/{inner}", files=f"a.b.{inner}")
        body = ask(inspector, "requests/1")[2]
        assert inner.rpartition(".")[2] not in body
        assert inner.rpartition(".")[0] in body

    def test_a_long_text_is_looked_through_at_once(self) -> None:
        """A megabyte that looks like the beginnings of JWTs costs no more than any other."""
        began = time.process_time()
        redaction.text("eyJ" * 350_000)
        redaction.text("eyJ." * 250_000)
        assert time.process_time() - began < 2

    def test_curl_is_made_of_what_is_shown(self, kit: Kit, inspector: Inspector) -> None:
        """The command is one a shell reads back to the shown form, its secrets left out."""
        kit.send(kit.post(headers={"Host": "127.0.0.1:9"}, grant_type="it's", scope="a -H b", client_secret=SECRET))
        words = shlex.split(read(inspector, "requests/1")["curl"])
        assert words[:2] == ["curl", "http://127.0.0.1:9/token"]
        assert {"grant_type=it's", "scope=a -H b"} < set(words)
        assert f"client_secret=({len(SECRET)} characters)" in words


class TestWhoMaySee:
    """The random key, the Host field, and what else may be wrong with a request."""

    @pytest.mark.parametrize("key", ["", "x", "ü", "requests"])
    @pytest.mark.parametrize("rest", ["", "requests", "timeline", "inspector.js"])
    def test_a_wrong_key(self, inspector: Inspector, key: str, rest: str) -> None:
        """An address with another key is 404 and one sentence, whatever it asks for."""
        status, headers, body = ask(inspector, rest, key=key)
        assert (status, headers["content-type"]) == (404, "text/plain; charset=utf-8")
        assert body == "This is not the inspector's address: it was printed when the server started.\n"

    @pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "", "127.0.0.1.evil.example", "[", "10.0.0.1"])
    def test_another_name(self, inspector: Inspector, host: str) -> None:
        """A page that had its own name point to this machine is refused, even if it knew the key."""
        status, _, body = ask(inspector, "requests", host=host)
        assert (status, body) == (403, "The inspector is reached by an address of this machine only.\n")

    @pytest.mark.parametrize("host", ["127.0.0.1:1", "localhost", "LOCALHOST:80", "[::1]:80"])
    def test_the_names_of_this_machine(self, inspector: Inspector, host: str) -> None:
        """Loopback is reached by each of its names."""
        assert ask(inspector, host=host)[0] == 200

    def test_a_host_that_was_told(self, kit: Kit) -> None:
        """Where another address was asked for, that one is fine as well, and any where it stands for all."""
        assert ask(Inspector(kit.authority, host="10.0.0.1"), host="10.0.0.1:80")[0] == 200
        assert ask(Inspector(kit.authority, host="10.0.0.1"), host="evil.example")[0] == 403
        assert ask(Inspector(kit.authority, host="0.0.0.0"), host="devbox.example")[0] == 200

    def test_each_has_its_own_key(self, kit: Kit) -> None:
        """No two inspectors share a key, and it is long."""
        paths = {Inspector(kit.authority).path for _ in range(20)}
        assert len(paths) == 20
        assert min(map(len, paths)) >= len(ROOT) + 24

    def test_it_only_shows(self, inspector: Inspector) -> None:
        """Other methods than GET and HEAD are refused."""
        status, headers, _ = ask(inspector, "requests", method="POST")
        assert (status, headers["allow"]) == (405, "GET, HEAD")

    @pytest.mark.parametrize("rest", ["nothing", "page/inspector.js", "../inspector.py", "requests/1/2", "timeline/1"])
    def test_nothing_else_is_there(self, inspector: Inspector, rest: str) -> None:
        """An unknown page is 404."""
        assert ask(inspector, rest)[0] == 404

    @pytest.mark.parametrize(
        "rest", ["requests?after=x", "timeline?seconds=x", "timeline?seconds=nan", "timeline?seconds=-1"]
    )
    def test_figures_that_are_none(self, inspector: Inspector, rest: str) -> None:
        """A figure that is none is 400 and a sentence."""
        assert ask(inspector, rest)[::2] == (400, "The figures in this address are not in order.\n")

    @pytest.mark.parametrize("rest", ["", "requests", "nothing", *PAGES])
    def test_every_answer_is_guarded(self, inspector: Inspector, rest: str) -> None:
        """Nothing is loaded from elsewhere, guessed, kept or told to others."""
        headers = ask(inspector, rest)[1]
        assert headers["content-security-policy"].startswith("default-src 'self';")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"

    def test_without_its_slash(self, inspector: Inspector) -> None:
        """The address without its last slash leads to the page."""
        answer = inspector.handle(Request(inspector.path[:-1], headers={"host": "localhost"}, method="GET"))
        assert (answer.status, answer.headers["location"]) == (308, inspector.path)

    def test_the_page_runs_nothing_inline(self, inspector: Inspector) -> None:
        """The page holds neither a script nor a style of its own, and names no other host."""
        page = ask(inspector)[2]
        assert "<style" not in page
        assert " style=" not in page
        assert page.count("<script") == page.count('<script type="module" src="inspector.js">') == 1
        assert "//" not in page.replace("<!doctype html>", "")


@pytest.fixture
def served(kit: Kit, inspector: Inspector) -> Iterator[Server]:
    """The authority with the inspector beside it."""
    with Server(kit.authority, routes=inspector.routes) as server:
        yield server


def test_over_http(served: Server, inspector: Inspector) -> None:
    """It answers beside the authority, a HEAD without a body, and what is not its own is the authority's."""
    connection = http.client.HTTPConnection(urlsplit(served.url).netloc, timeout=10)
    try:
        found = []
        for method, path in (
            ("GET", inspector.path),
            ("HEAD", inspector.path),
            ("GET", "/inspect/no/"),
            ("GET", "/other"),
        ):
            connection.request(method, path)
            response = connection.getresponse()
            found.append((response.status, len(response.read()) > 0))
    finally:
        connection.close()
    assert found == [(200, True), (200, False), (404, True), (404, True)]
