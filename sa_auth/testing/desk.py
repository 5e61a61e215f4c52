"""Takes a request to its endpoint, has it judged, and answers it.

Rule: nothing waits here, and nothing is judged here: `rules` judge, `outcome` gives.

Source: RFC 6749 section 5, RFC 7009 section 2.2, RFC 8414 section 3, RFC 9449 section 8.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from sa_auth.wire import Request, Response

from .answers import error_of, first_broken, http_date, refused, worded
from .faults import Faults, reply
from .ledger import Ledger
from .metadata import document, styles_of
from .outcome import Terms, give
from .record import Verdict
from .rest import answer_of
from .rules import Case, Settings, judge
from .world import World

if TYPE_CHECKING:
    from .authority import Authority

_OWN_NONCE = "dpop-nonce"


class Desk:
    """The endpoints of one authority, the API aside.

    Args:
        authority: Whose they are; what it demands is read anew for each request.
        world: What outlives a request.
        ledger: Where requests are noted.
    """

    def __init__(self, authority: Authority, world: World, ledger: Ledger) -> None:
        self._authority = authority
        self._world = world
        self._ledger = ledger
        self._endpoints = {"/token": self._token, "/revoke": self._revoke, "/exchange": self._exchange}

    def handle(self, request: Request) -> Response:
        """Answers one request."""
        path = urlsplit(request.url).path
        home = urlsplit(self._authority.issuer).path.rstrip("/")
        if "/.well-known/" in path and styles_of(path, self._home(request)):
            return self._metadata(request)
        short = path.removeprefix(home) if home else path
        dialect = self._authority.dialect
        if dialect is not None and re.fullmatch(dialect.path, short):
            return (
                self._exchange(request) if dialect.rest else self._token(_as_form(request) if dialect.json else request)
            )
        if short in self._endpoints:
            return self._endpoints[short](request)
        if short == "/api" or short.startswith("/api/"):
            return self._authority.api.handle(request)
        return reply(404, {"error": "not_found"})

    def case(self, endpoint: str, request: Request) -> Case:
        """Makes a case of a request."""
        authority, parts = self._authority, urlsplit(request.url)
        home = urlsplit(self._home(request))
        return Case(
            endpoint=endpoint,
            method=request.method,
            url=request.url if parts.netloc else f"{home.scheme}://{home.netloc}{parts.path}",
            path=parts.path,
            query=parts.query,
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.body,
            now=authority.now(),
            settings=self._settings(request),
            directory=self._world.register.directory,
            world=self._world,
        )

    def _settings(self, request: Request) -> Settings:
        authority, dialect = self._authority, self._authority.dialect
        own = () if dialect is None else tuple(_filled(one, request, self._home(request)) for one in dialect.audiences)
        # A vendor's endpoint has a path of its own, which is what a SAML assertion names as its Recipient.
        here = () if dialect is None else (_filled("{endpoint}", request, self._home(request)),)
        longest = authority.max_lifetime if dialect is None or dialect.max_lifetime is None else dialect.max_lifetime
        return Settings(
            audiences=own or authority.audiences,
            saml_audiences=(*authority.saml_audiences, *here),
            endpoints=(*authority.endpoints, *here),
            client_audiences=own or authority.client_audiences,
            sole_audience=authority.client_assertion_audience == "issuer",
            leeway=authority.leeway,
            max_lifetime=longest,
            require_jti=authority.require_jti,
            require_subject=authority.require_subject,
            proof_window=authority.dpop_window,
            rotates=authority.refresh_tokens == "rotate",
            resources=None if authority.resources is None else frozenset(authority.resources),
            self_signed=authority.api.self_signed,
            own_bearer=dialect is not None and dialect.own_bearer,
        )

    def _home(self, request: Request) -> str:
        """The issuer identifier by which the request came here: the server's, or the authority's own."""
        port = urlsplit(request.url).port
        homes = (home for home in self._authority.homes if port is not None and urlsplit(home).port == port)
        return next(homes, self._authority.issuer)

    # The endpoints.

    def _token(self, request: Request) -> Response:
        case = self.case("token", request)
        verdicts, broken, planned = self._judged(case, self._authority.faults)
        if planned is not None:
            return self._noted(case, verdicts, planned, planned=True)
        if broken is not None:
            return self._refused(case, verdicts, broken)
        fields, dialect = give(case, self._terms()), self._authority.dialect
        token = fields["access_token"]
        if dialect is not None and dialect.answer is not None:
            fields = dialect.answer(case, token, self._authority.token_lifetime)
        status = 200 if dialect is None else dialect.status
        return self._noted(case, verdicts, reply(status, fields, self._next_nonce(case)), token=token)

    def _exchange(self, request: Request) -> Response:
        case = self.case("exchange", request)
        verdicts, broken, planned = self._judged(case, self._authority.faults)
        if planned is not None:
            return self._noted(case, verdicts, planned, planned=True)
        if broken is not None:
            return self._refused(case, verdicts, broken)
        lifetime = self._authority.token_lifetime
        token = give(case, self._terms())["access_token"]
        dialect = self._authority.dialect
        if dialect is not None and dialect.answer is not None:
            return self._noted(
                case, verdicts, reply(dialect.status, dialect.answer(case, token, lifetime)), token=token
            )
        body = answer_of(self._authority.rest_answer, token, case.now + lifetime, lifetime)
        return self._noted(case, verdicts, reply(201, body), token=token)

    def _revoke(self, request: Request) -> Response:
        case = self.case("revoke", request)
        verdicts, broken, planned = self._judged(case, self._authority.revoke_faults)
        if planned is not None:
            return self._noted(case, verdicts, planned, planned=True)
        if broken is not None:
            return self._refused(case, verdicts, broken)
        token = case.form["token"]
        promise = self._world.refreshes.find(token)
        known = promise is not None or self._world.tokens.find(token, case.now) is not None
        if promise is not None:
            self._world.revoke_family(promise.family)
        self._world.tokens.revoke(token)
        self._authority.revocations.append((case.form.get("token_type_hint"), known))
        return self._noted(case, verdicts, reply(200))

    def _metadata(self, request: Request) -> Response:
        authority, home = self._authority, self._home(request)
        if authority.metadata_style not in {"both", styles_of(urlsplit(request.url).path, home)}:
            return reply(404, {"error": "not_found"})
        if request.method not in {"GET", "HEAD"}:
            return reply(405, {"error": "invalid_request"}, {"allow": "GET"})
        authority.metadata_reads += 1
        certificates = any(known.certificate for known in self._world.register.directory.clients.values())
        return reply(200, document(home, authority.metadata_changes, certificates=certificates))

    # What they share.

    def _terms(self) -> Terms:
        authority = self._authority
        return Terms(authority.token_lifetime, authority.refresh_tokens, authority.dpop_downgrade)

    def _judged(self, case: Case, faults: Faults) -> tuple[tuple[Verdict, ...], Verdict | None, Response | None]:
        dialect = self._authority.dialect
        verdicts = judge(case) if dialect is None else judge(case, dialect.rules, dialect.without)
        return verdicts, first_broken(verdicts), faults.take()

    def _refused(self, case: Case, verdicts: tuple[Verdict, ...], broken: Verdict) -> Response:
        dialect = self._authority.dialect
        error = error_of(broken, case, () if dialect is None else dialect.rules)
        own = None if dialect is None else dialect.refusals.get(broken.rule, dialect.refusals.get(""))
        if own is not None:
            body = worded(own.body, broken)
            said = body.get("error")
            return self._noted(case, verdicts, reply(own.status, body), said if isinstance(said, str) else error)
        response = refused(broken, error, authorization="authorization" in case.headers)
        if error == "use_dpop_nonce":
            response.headers[_OWN_NONCE] = self._world.nonces.current  # type: ignore[index] # made by reply, a dict
        return self._noted(case, verdicts, response, error)

    def _next_nonce(self, case: Case) -> dict[str, str]:
        """The header with the next nonce, where the one that was used has done its service."""
        if not case.has_proof or not case.nonces.demanded:
            return {}
        following = case.nonces.spend(case.proof.claims.get("nonce"))
        return {} if following is None else {_OWN_NONCE: following}

    def _noted(
        self,
        case: Case,
        verdicts: tuple[Verdict, ...],
        response: Response,
        error: str | None = None,
        *,
        token: str = "",
        planned: bool = False,
    ) -> Response:
        self._ledger.enter(case, verdicts, response, error, token=token, planned=planned)
        headers = {"date": http_date(case.now), "cache-control": "no-store", "pragma": "no-cache", **response.headers}
        return Response(response.status, headers, response.body)


def _as_form(request: Request) -> Request:
    """The same request with its JSON object as a form; what is none stays as it is, and is refused."""
    try:
        fields = json.loads(request.body)
    except ValueError:
        return request
    if not isinstance(fields, dict) or "json" not in request.headers.get(
        "content-type", request.headers.get("Content-Type", "")
    ):
        return request
    pairs = [(name, value if isinstance(value, str) else json.dumps(value)) for name, value in fields.items()]
    headers = {
        **{name.lower(): value for name, value in request.headers.items()},
        "content-type": "application/x-www-form-urlencoded",
    }
    return request._replace(body=urlencode(pairs).encode("ascii"), headers=headers)


def _filled(audience: str, request: Request, home: str) -> str:
    parts = urlsplit(request.url)
    base = f"{parts.scheme}://{parts.netloc}" if parts.netloc else home.rstrip("/")
    return audience.format(endpoint=f"{base}{parts.path}", home=base, host=parts.netloc or urlsplit(home).netloc)
