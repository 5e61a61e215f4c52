"""Takes a request to its endpoint, has it judged, and answers it.

Rule: nothing waits here, and nothing is judged here: `rules` judge, `outcome` gives.

Source: RFC 6749 section 5, RFC 7009 section 2.2, RFC 8414 section 3, RFC 9449 section 8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sa_auth.wire import Request, Response

from .answers import error_of, first_broken, http_date, refused
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
            settings=self._settings(),
            directory=self._world.register.directory,
            world=self._world,
        )

    def _settings(self) -> Settings:
        authority = self._authority
        return Settings(
            audiences=authority.audiences,
            saml_audiences=authority.saml_audiences,
            endpoints=authority.endpoints,
            client_audiences=authority.client_audiences,
            sole_audience=authority.client_assertion_audience == "issuer",
            leeway=authority.leeway,
            max_lifetime=authority.max_lifetime,
            require_jti=authority.require_jti,
            require_subject=authority.require_subject,
            proof_window=authority.dpop_window,
            rotates=authority.refresh_tokens == "rotate",
            resources=None if authority.resources is None else frozenset(authority.resources),
            self_signed=authority.api.self_signed,
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
            return self._noted(case, verdicts, planned)
        if broken is not None:
            return self._refused(case, verdicts, broken)
        response = reply(200, give(case, self._terms()), self._next_nonce(case))
        return self._noted(case, verdicts, response, token=True)

    def _exchange(self, request: Request) -> Response:
        case = self.case("exchange", request)
        verdicts, broken, planned = self._judged(case, self._authority.faults)
        if planned is not None:
            return self._noted(case, verdicts, planned)
        if broken is not None:
            return self._refused(case, verdicts, broken)
        lifetime = self._authority.token_lifetime
        token = give(case, self._terms())["access_token"]
        body = answer_of(self._authority.rest_answer, token, case.now + lifetime, lifetime)
        return self._noted(case, verdicts, reply(201, body), token=True)

    def _revoke(self, request: Request) -> Response:
        case = self.case("revoke", request)
        verdicts, broken, planned = self._judged(case, self._authority.revoke_faults)
        if planned is not None:
            return self._noted(case, verdicts, planned)
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
        verdicts = judge(case)
        return verdicts, first_broken(verdicts), faults.take()

    def _refused(self, case: Case, verdicts: tuple[Verdict, ...], broken: Verdict) -> Response:
        error = error_of(broken, case)
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
        token: bool = False,
    ) -> Response:
        self._ledger.enter(case, verdicts, response, error, token=token)
        headers = {"date": http_date(case.now), "cache-control": "no-store", "pragma": "no-cache", **response.headers}
        return Response(response.status, headers, response.body)
