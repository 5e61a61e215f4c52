"""What Okta and Entra do with clients that use DPoP, at Authlib's server.

Rule: the client is judged first and its assertion is used up by that, whatever comes of the rest; every answer brings
a nonce, and each is good for one proof. Source: RFC 9449 sections 4.3, 7.1, 8 and 9.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

from flask import Flask, Response, jsonify, request
from joserfc import jwk, jws, jwt

from tests.flow.servers.both_halves import BothHalves, Known


class Demanding(BothHalves):
    """The server.

    Attributes:
        nonces: The ones that are good.
        proofs: The claims of every proof that was taken, oldest first.
        answers: The status of every answer, oldest first, and what it refused.
        busy: How many requests are answered by 503, after they were judged.
    """

    def __init__(self, *known: Known) -> None:
        self.nonces: set[str] = set()
        self.proofs: list[dict[str, Any]] = []
        self.answers: list[tuple[int, str]] = []
        self.busy = 0
        super().__init__(*known)

    def route(self, app: Flask) -> None:
        app.add_url_rule("/token", "token", self.token, methods=["POST"])
        app.add_url_rule("/api/me", "me", self.me)
        app.after_request(self._with_nonce)

    def token(self) -> Response:
        answer = super().token()
        if answer.status_code != 200:
            return answer
        if self.busy:
            self.busy -= 1
            return Response("busy", 503)
        fault = self._fault(None)
        if fault:
            return _no(400, fault)
        fields = answer.get_json(force=True)
        return jsonify({**fields, "token_type": "DPoP"})

    def me(self) -> Response:
        """The API: whose token it is."""
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        granted = self.tokens.get(text)
        fault = self._fault(text) if granted is not None and scheme == "DPoP" else "invalid_token"
        if granted is None or fault:
            answer = _no(401, fault)
            answer.headers["WWW-Authenticate"] = f'DPoP error="{fault}"'
            return answer
        return jsonify(client=granted.client)

    def _fault(self, token: str | None) -> str:
        proof = request.headers.get("DPoP", "")
        header = jws.extract_compact(proof.encode()).headers()
        claims = jwt.decode(proof, jwk.ECKey.import_key(header["jwk"]), algorithms=["ES256"]).claims
        address = (claims["htm"], claims["htu"]) == (request.method, request.base_url)
        ath = None if token is None else _hash(token)
        if header["typ"] != "dpop+jwt" or not address or claims.get("ath") != ath or self._seen(claims["jti"]):
            return "invalid_dpop_proof"
        nonce = claims.get("nonce", "")
        if nonce not in self.nonces:
            return "use_dpop_nonce"
        self.nonces.remove(nonce)
        self.proofs.append(claims)
        return ""

    def _seen(self, jti: str) -> bool:
        before = ("proof", jti) in self.used
        self.used.add(("proof", jti))
        return before

    def _with_nonce(self, answer: Response) -> Response:
        nonce = secrets.token_urlsafe(16)
        self.nonces.add(nonce)
        answer.headers["DPoP-Nonce"] = nonce
        said = answer.get_json(silent=True) or {}
        self.answers.append((answer.status_code, said.get("error", "")))
        return answer


def _no(status: int, error: str) -> Response:
    answer = jsonify(error=error)
    answer.status_code = status
    return answer


def _hash(token: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
