"""An authorization server and an API by Authlib, in Flask.

Rule: Authlib judges; here stands what it leaves to whoever uses it. A subclass registers the grants.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2.rfc6750 import BearerTokenValidator
from flask import Flask, Response, jsonify, request

from tests.flow.servers.listening import Listening


class AuthlibServer(Listening, ABC):
    """It, over HTTP.

    Attributes:
        forms: The fields of every token request, oldest first.
        assertions: The assertions that it took: header and claims, oldest first.
        tokens: What it issued, by access token.
    """

    def __init__(self) -> None:
        self.forms: list[dict[str, str]] = []
        self.assertions: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self.tokens: dict[str, Granted] = {}
        app = Flask("authlib-server")
        app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
        self.authorization = AuthorizationServer(app, query_client=self.client, save_token=self._save)
        self.register(self.authorization)
        self.route(app)
        super().__init__(app)

    @abstractmethod
    def register(self, authorization: AuthorizationServer) -> None:
        """Tells Authlib which grants there are, and how clients prove themselves."""

    def client(self, client_id: str) -> Any:  # noqa: ARG002 - Authlib's signature
        """The client of that name; None: there is none."""
        return None

    def route(self, app: Flask) -> None:
        """Says what is at which address."""
        app.add_url_rule("/token", "token", self.token, methods=["POST"])
        protect = ResourceProtector()
        protect.register_token_validator(Validator(self))
        app.add_url_rule("/api/me", "me", protect()(me))

    def token(self) -> Response:
        """Answers a token request."""
        self.forms.append(request.form.to_dict())
        answer: Response = self.authorization.create_token_response()
        return answer

    def _save(self, token: dict[str, Any], asked: Any) -> None:
        self.tokens[token["access_token"]] = Granted(token, asked.user, asked.client.get_client_id())


class Granted:
    """A token as Authlib wants to see it."""

    def __init__(self, token: dict[str, Any], user: Any, client: str) -> None:
        self.user, self.client, self.scope = user, client, token.get("scope", "")
        self.refresh_token = token.get("refresh_token")
        self.ends_at = time.time() + token["expires_in"]

    def is_expired(self) -> bool:
        return time.time() > self.ends_at

    def is_revoked(self) -> bool:
        return False

    def get_scope(self) -> str:
        return self.scope

    def check_client(self, client: Any) -> bool:
        return bool(client.get_client_id() == self.client)


class Validator(BearerTokenValidator):
    """Looks a token up."""

    def __init__(self, server: AuthlibServer) -> None:
        super().__init__()
        self.server = server

    def authenticate_token(self, token_string: str) -> Granted | None:
        return self.server.tokens.get(token_string)


def me() -> Response:
    """The API: whose token it is."""
    return jsonify(user=current_token.user, client=current_token.client)
