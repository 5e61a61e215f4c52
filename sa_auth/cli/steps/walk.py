"""Goes through a sign-in, step by step, to its end or to what stops it.

Rule: one exchange, by the library's own engine, with a cache of its own: it really signs in. At most one request more is
sent after the first, where the same may succeed or the clock was wrong.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from sa_auth import ServiceAccountCredentials
from sa_auth._clock import SYSTEM
from sa_auth.caches import MemoryCache
from sa_auth.cli.show import spoken
from sa_auth.cli.sign_in import SignIn
from sa_auth.errors import ConfigError, SaAuthError
from sa_auth.policy import Retry
from sa_auth.providers import PROVIDERS
from sa_auth.token import Token
from sa_auth.transports import LateTransport
from sa_auth.wire import Request

from . import answer, arguments, assertion, clock, file, key, network
from .recorder import Record, Recorder
from .step import FAIL, NAMES, SKIPPED, UNREACHED, WARN, Step, is_of_the_clock

_RETRY = Retry(attempts=2, shortest=0.2, longest=0.5)
_WAY = ("name", "proxy", "connection", "tls")
_LONGEST_LOOK = 4.0  # seconds


class Report(NamedTuple):
    """What came of it.

    Attributes:
        steps: All of them, in order.
        blamed: The one that is to blame; None where nothing is.
    """

    steps: tuple[Step, ...]
    blamed: Step | None

    @property
    def good(self) -> bool:
        """Whether nothing failed."""
        return all(step.verdict != FAIL for step in self.steps)


def walk(sign_in: SignIn, *, offline: bool) -> Report:
    """Goes through a sign-in.

    Args:
        sign_in: What it takes, as the options say.
        offline: Whether nothing is asked of a network.

    Raises:
        ConfigError: an option is not usable.
    """
    _check_anything(sign_in)
    given = {**sign_in.arguments(), "cache": MemoryCache(), "retry": _RETRY}
    given["password"] = _once(given.get("password"))
    seconds = min(_LONGEST_LOOK, sign_in.timeout)
    way, record = network.Way(sign_in.ca, sign_in.proxy, seconds), Record()
    given["transport"] = Recorder(given.get("transport") or LateTransport(), record, lambda url: network.look(url, way))
    with _quiet():
        steps, credentials = _before(sign_in, given)
        if credentials is None:
            return _report(steps)
        if offline:
            return _report(
                [*steps, *(Step(name, SKIPPED, "offline") for name in NAMES[NAMES.index("arguments") + 1 :])]
            )
        with credentials:
            return _report([*steps, *_asked(credentials, record)])


def _check_anything(sign_in: SignIn) -> None:
    told = ("keyfile", "provider", "grant", "client_auth", "issuer", "server", "token_endpoint")
    if not os.environ.get("SA_AUTH_KEY") and not any(getattr(sign_in, name) for name in told):
        raise ConfigError(
            "No key file is named, and the variable SA_AUTH_KEY is not set.",
            code="usage",
            hint="sa-auth doctor KEYFILE",
        )


def _before(sign_in: SignIn, given: dict[str, Any]) -> tuple[list[Step], ServiceAccountCredentials | None]:
    """What can be judged without asking anybody."""
    found = file.look(sign_in.keyfile)
    steps = [found.step]
    if found.step.verdict == FAIL:
        return steps, None
    opened = key.open_key(sign_in.keyfile, found, given)
    # What the key's reader has against the file goes before what a look at it had found.
    steps = [step for step in steps if step.name not in {one.name for one in opened.steps}] + list(opened.steps)
    if opened.opened is None:
        return steps, None
    said = opened.opened.arguments

    def make(**changes: Any) -> ServiceAccountCredentials:
        whole = {**given, **changes}
        if found.step.verdict == SKIPPED:
            return ServiceAccountCredentials(None, **whole)
        return sign_in.credentials(**whole)

    step, credentials = arguments.look(
        make, {**said, **{name: value for name, value in given.items() if value is not None}}
    )
    return [*(one for one in steps if one.name != step.name), step], credentials


def _asked(credentials: ServiceAccountCredentials, record: Record) -> list[Step]:
    """What is learned by signing in."""
    got, failure = _exchanged(credentials)
    now = SYSTEM.wall()
    way = _of_the_way(record)
    last = record.last
    if got is not None:
        made_here = assertion.decoded("token", got.access_token) if last is None else None
        said = (
            assertion.told((made_here,), now)
            if made_here
            else assertion.look(last.request if last else None, last.at if last else now)
        )
        end = answer.of_token(got, last_scopes(record), record, now, _known(credentials, made_here))
        return [*way, *([clock.look(record, refused=False)] if last else []), said, end]
    end = answer.of_error(failure, record) if failure is not None else Step("answer", UNREACHED)
    if any(step.verdict == FAIL for step in way):
        return way
    steps = [*(step for step in way if step.name != end.name)]
    if last is not None and end.name not in _WAY:
        steps.append(clock.look(record, refused=failure is not None and is_of_the_clock(failure)))
        reached = last.request.peer == Request("").peer  # and not what was asked on the way to it
        steps.append(assertion.look(last.request, last.at) if reached else Step("assertion", UNREACHED))
    return [*(step for step in steps if step.name != end.name), end]


def _exchanged(credentials: ServiceAccountCredentials) -> tuple[Token | None, SaAuthError | None]:
    try:
        # Where each call has a token of its own, one is made for a call that nobody makes; else this is `token()`.
        return credentials.token_for("GET", "https://api.invalid/"), None
    except SaAuthError as error:
        return None, error.copy()


def last_scopes(record: Record) -> list[str]:
    """The scopes that the last request asked for, in its form or its assertion."""
    if record.last is None:
        return []
    from urllib.parse import parse_qs

    form = parse_qs(record.last.request.body.decode("utf-8", "replace"))
    claims = [one.claims.get("scope") for one in assertion.assertions(record.last.request)]
    return next((text.split() for text in (*form.get("scope", ()), *claims) if isinstance(text, str)), [])


def _known(credentials: ServiceAccountCredentials, made: assertion.Decoded | None) -> tuple[str, ...]:
    """What an API's refusals of a token mean that is signed here: nobody else was asked."""
    if made is None:
        return ()
    facts = {**made.claims, "kid": made.header.get("kid"), "alg": made.header.get("alg")}
    named = re.search(r"provider='(\w+)'", repr(credentials))
    known = PROVIDERS[named[1]].known if named and named[1] in PROVIDERS else ()
    shown = {name: value for name, value in facts.items() if isinstance(value, str)}
    # The first of a pattern's words is the vendor's number, or its own words.
    return tuple(
        f"{one.pattern.split('|')[0]}: {spoken(one.hint.format_map(defaultdict(lambda: '(none)', shown)))}"
        for one in known
    )


def _of_the_way(record: Record) -> list[Step]:
    probes = list(record.probes.values())
    if not probes:
        return [Step(name, SKIPPED, "nobody is asked: the token is signed here") for name in (*_WAY, "clock")]
    chosen = next((probe for probe in probes if probe.error is not None), probes[-1])
    return list(chosen.steps)


def _report(steps: list[Step]) -> Report:
    told = {step.name: step for step in steps}
    whole = tuple(told.get(name, Step(name, UNREACHED)) for name in NAMES)
    answered = told.get("answer")
    if answered is not None and answered.verdict not in {FAIL, UNREACHED, SKIPPED}:
        # It was signed in: what failed on the way did no harm here, and is a warning.
        whole = tuple(step._replace(verdict=WARN) if step.verdict == FAIL else step for step in whole)
    return Report(whole, _blamed(whole))


def _blamed(steps: tuple[Step, ...]) -> Step | None:
    """The step that is to blame: what was wrong before anybody was asked goes before the server's no."""
    by_verdict = [step for verdict in (FAIL, WARN) for step in steps if step.verdict == verdict]
    return by_verdict[0] if by_verdict else None


def _once(password: Any) -> Any:
    """Asks for a password once, however often the key is opened."""
    if not callable(password):
        return password
    asked: list[Any] = []

    def give() -> Any:
        if not asked:
            asked.append(password())
        return asked[0]

    return give


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps warnings and the log to themselves: the steps say the same."""
    log = logging.getLogger("sa_auth")
    before = log.disabled
    log.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.disabled = before
