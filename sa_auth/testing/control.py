"""Steers an authority that runs in another process, and reads its counters and its timeline.

Rule: JSON in, JSON out; each order is one field, and the answer to orders is always the whole state. Who knows the secret
in the path may steer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from sa_auth.errors import ConfigError

from .faults import reply
from .timeline import timeline

if TYPE_CHECKING:
    from sa_auth.wire import Request, Response

    from .authority import Authority


class Control:
    """Takes orders as JSON objects by POST; a GET changes nothing. Both answer with the state.

    A GET with `?timeline=SECONDS` is answered with the timeline, for clients that renew so long ahead.

    The orders, each a field of the object: `delay`, `skew`, `drip` (seconds), `cut` (bytes or null), `unreachable`
    (true or false), `token_lifetime` (seconds), `down` ({"status": 503, "retry_after": 1}), `answer` ({"status": 200,
    "body": ..., "headers": ..., "times": 1}), `up`, `hold`, `clear` and `revoke_all` (true), `revoke` (a token),
    `refuse_next` (a count), `refuse_all` (true or false), `register` ({"issuer": ..., "public_key": ...}).

    Args:
        authority: Whom to steer.

    Example:
        >>> from sa_auth.testing import Authority
        >>> control = Control(Authority())
        >>> control.order({"delay": 0.5, "down": {"status": 500}})["delay"]
        0.5
    """

    def __init__(self, authority: Authority) -> None:
        self._authority = authority
        api = authority.api
        self._orders: dict[str, Callable[[Any], object]] = {
            "answer": lambda fields: authority.answer(**fields),
            "clear": lambda _: authority.clear(),
            "down": lambda fields: authority.down(**(fields if isinstance(fields, Mapping) else {})),
            "hold": lambda _: authority.hold(),
            "refuse_all": lambda value: setattr(api, "refuse_all", bool(value)),
            "refuse_next": api.refuse_next,
            "register": lambda fields: authority.register(**fields),
            "revoke": authority.revoke,
            "revoke_all": lambda _: authority.revoke_all(),
            "up": lambda _: authority.up(),
        }
        for name in ("delay", "skew", "drip", "token_lifetime"):
            self._orders[name] = lambda value, name=name: setattr(authority, name, float(value))  # type: ignore[misc]
        self._orders["cut"] = lambda value: setattr(authority, "cut", None if value is None else int(value))
        self._orders["unreachable"] = lambda value: setattr(authority, "unreachable", bool(value))

    def order(self, orders: Mapping[str, Any]) -> dict[str, Any]:
        """Carries orders out, in their order, and tells the state.

        Raises:
            ConfigError: an order is unknown, or cannot be carried out as it is given.
        """
        unknown = sorted(set(orders) - set(self._orders))
        if unknown:
            raise ConfigError(
                f"No such order: {', '.join(unknown)}.", hint=f"There are {', '.join(sorted(self._orders))}."
            )
        for name, value in orders.items():
            problem = self._carry_out(name, value)
            if problem:
                raise ConfigError(f"The order {name} cannot be carried out: {problem}")
        return self.state()

    def _carry_out(self, name: str, value: Any) -> str:
        try:
            self._orders[name](value)
        except (TypeError, ValueError, ConfigError) as error:
            return str(error)
        return ""

    def state(self) -> dict[str, Any]:
        """The settings that can be changed, and the counters."""
        authority, api = self._authority, self._authority.api
        settings = ("delay", "skew", "drip", "cut", "unreachable", "token_lifetime", "exchanges")
        return {
            **{name: getattr(authority, name) for name in settings},
            "statuses": {str(status): count for status, count in authority.statuses.items()},
            "calls": api.calls,
            "refused": api.refused,
            "calls_by_token": api.calls_by_token,
            "last": authority.explain() if authority.requests else "",
        }

    def handle(self, request: Request) -> Response:
        """Answers one request to the control path."""
        if request.method not in {"GET", "POST"}:
            return reply(405, {"error": "GET or POST"}, {"allow": "GET, POST"})
        try:
            lead = parse_qs(urlsplit(request.url).query).get("timeline")
            if lead is not None and request.method == "GET":
                return reply(200, timeline(self._authority, float(lead[0])))
            orders = json.loads(request.body) if request.method == "POST" else {}
            if not isinstance(orders, dict):
                return reply(400, {"error": "Give one JSON object."})
            return reply(200, self.order(orders))
        except (ValueError, ConfigError) as error:
            return reply(400, {"error": str(error)})
