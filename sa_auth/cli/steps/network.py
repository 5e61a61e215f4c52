"""The way to the endpoint: its name, a proxy, the connection, TLS.

Rule: looked at before anything is sent, within bounds of time; the server's certificate is always verified, and one that
is not good is fetched for its names and dates alone. Source: RFC 6066 section 3, RFC 9110 section 4.3.4.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import threading
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sa_auth.errors import TransportError
from sa_auth.wire import is_loopback

from .step import FAIL, OK, SKIPPED, UNREACHED, Step
from .words import date


class Way(NamedTuple):
    """How requests go.

    Attributes:
        ca: A file of authorities to trust; None: the environment's, or those that come with `requests`.
        proxy: The proxy of the command line; None: the environment's.
        seconds: For each look.
    """

    ca: str | None
    proxy: str | None
    seconds: float


class Probe(NamedTuple):
    """What was seen of the way to one endpoint.

    Attributes:
        steps: Name, proxy, connection, TLS.
        error: What a request on this way would end with; None where it may be sent.
    """

    steps: tuple[Step, ...]
    error: TransportError | None = None


def look(url: str, way: Way) -> Probe:
    """Looks at the way to an endpoint."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    proxy, source = _proxy(url, way)
    if proxy:
        return _through(proxy, source, host, way)
    steps = [_name(host, port, way.seconds)]
    steps.append(Step("proxy", OK, source or "none"))
    if steps[0].verdict == FAIL:
        return _ended(steps, "name_not_resolved")
    step, sock = _connection(host, port, way.seconds, "the token endpoint")
    steps.append(step)
    if sock is None:
        return _ended(steps, "connect_failed")
    if parts.scheme != "https":
        sock.close()
        steps.append(Step("tls", SKIPPED, "plain http, which goes to this machine alone"))
        return Probe(tuple(steps))
    steps.append(_tls(sock, host, port, way))
    if steps[-1].verdict == FAIL:
        return _ended(steps, "timeout" if steps[-1].no_answer else "tls_failed")
    return Probe(tuple(steps))


def _ended(steps: list[Step], code: str) -> Probe:
    steps += [Step(name, UNREACHED) for name in ("connection", "tls") if name not in {step.name for step in steps}]
    last = next(step for step in steps if step.verdict == FAIL)
    return Probe(tuple(steps), TransportError(last.cause, code=code, connected=False, retryable=last.no_answer))


# The name


def _name(host: str, port: int, seconds: float, what: str = "token endpoint") -> Step:
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(sorted({str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}))
        except (OSError, UnicodeError) as error:
            found.append(getattr(error, "strerror", None) or "no name")

    # A look-up cannot be broken off; its thread is left behind, and ends with the process.
    thread = threading.Thread(target=ask, name="doctor-name", daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        return Step(
            "name", FAIL, f"{host}: no answer within {seconds:g} s", (),
            f"This machine's name service did not answer within {seconds:g} s.",
            "See that the resolver in /etc/resolv.conf is reached from here; the command asks it.", f"getent hosts {host}",
            no_answer=True,
        )  # fmt: skip
    if isinstance(found[0], str):
        return Step(
            "name", FAIL, f"{host}: {found[0].lower()}", (), f"No address was found for the {what}'s host {host}.",
            "Check the spelling of the host, and that this machine's name service knows names of the outside.",
            f"getent hosts {host}", no_answer=True,
        )  # fmt: skip
    shown = ", ".join(found[0][:3])
    return Step("name", OK, f"{host} is {shown}{' and more' if len(found[0]) > 3 else ''}")


# A proxy


def _proxy(url: str, way: Way) -> tuple[str, str]:
    """The proxy that the request goes through, and whence it is known; or why none is used."""
    if way.proxy is not None:
        return way.proxy, "by --proxy"
    parts = urlsplit(url)
    if parts.scheme == "http" and is_loopback(parts.hostname or ""):
        return "", "none: the endpoint is on this machine"
    from requests.utils import get_environ_proxies, select_proxy, should_bypass_proxies

    found = select_proxy(url, get_environ_proxies(url, no_proxy=None))
    if found:
        names = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
        name = next((name for name in names if os.environ.get(name) == found), "the environment")
        return found, f"by {name}"
    bypassed = any(os.environ.get(name) for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"))
    return "", "none: NO_PROXY excepts this host" if bypassed and should_bypass_proxies(url, no_proxy=None) else ""


def _through(proxy: str, source: str, host: str, way: Way) -> Probe:
    parts = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
    where, port = None, 0
    with suppress(ValueError):
        where, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    steps = [Step("name", SKIPPED, f"{host} is looked up by the proxy")]
    if not where:
        steps.append(Step(
            "proxy", FAIL, f"{source}: no address", (), f"The proxy's address, given {source}, cannot be used.",
            "Write it as http://HOST:PORT.",
        ))  # fmt: skip
        return _ended(steps, "bad_address")
    name = _name(where, port, way.seconds, "proxy")
    step, sock = (name, None) if name.verdict == FAIL else _connection(where, port, way.seconds, "the proxy")
    if sock is None:
        known = f"The proxy {where}:{port}, given {source}, "
        steps.append(Step(
            "proxy", FAIL, f"{where}:{port} {source}: {step.found}", (),
            known + ("has a name that is not found." if name.verdict == FAIL else "does not take connections."),
            "Check the proxy's host and port; or leave it out, where the endpoint is reached without one.",
            f"NO_PROXY={host} sa-auth doctor ..." if not source.endswith("--proxy") else "", no_answer=True,
        ))  # fmt: skip
        return _ended(steps, "proxy_failed")
    sock.close()
    steps += [
        Step("proxy", OK, f"{where}:{port} {source}"),
        Step("connection", OK, f"to the proxy at {where}:{port}"),
        Step("tls", SKIPPED, "through the proxy: judged as the request is sent"),
    ]
    return Probe(tuple(steps))


# The connection


def _connection(host: str, port: int, seconds: float, what: str) -> tuple[Step, socket.socket | None]:
    reason, slow = "", False
    try:
        sock = socket.create_connection((host, port), timeout=seconds)
        return Step("connection", OK, f"{host}:{port} takes it"), sock
    except TimeoutError:
        reason, slow = f"no answer within {seconds:g} s", True
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
    cause = f"Nothing answers at {host}:{port}" if slow else f"No connection to {what} at {host}:{port}: {reason}"
    remedy = (
        "A firewall in between drops the packets, or the host is down: have it let this machine out, or set --proxy."
        if slow
        else "See that the host and port are right and the server is up; or a firewall or a missing proxy is in between."
    )
    return Step("connection", FAIL, f"{host}:{port}: {reason}", (), f"{cause}.", remedy, no_answer=True), None


# TLS


def _tls(sock: socket.socket, host: str, port: int, way: Way) -> Step:
    from requests.utils import DEFAULT_CA_BUNDLE_PATH

    bundle = (
        way.ca or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
    )
    try:
        context = _context(bundle)
    except (OSError, ssl.SSLError):
        sock.close()
        return Step(
            "tls", FAIL, f"no certificates to trust at {bundle}", (), f"There is no usable CA file at {bundle}.",
            "Name one: --ca FILE.",
        )  # fmt: skip
    problem: Exception
    try:
        sock.settimeout(way.seconds)
        with context.wrap_socket(sock, server_hostname=host) as secure:
            return Step("tls", OK, f"{secure.version()}, {_shown(secure.getpeercert())}")
    except (OSError, ValueError) as error:
        problem = error
    finally:
        sock.close()
    return _tls_fault(problem, host, port, way, bundle)


def _context(bundle: str) -> ssl.SSLContext:
    folder = os.path.isdir(bundle)
    return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)


def _tls_fault(problem: Exception, host: str, port: int, way: Way, bundle: str) -> Step:
    if isinstance(problem, TimeoutError):
        return Step(
            "tls", FAIL, f"no answer within {way.seconds:g} s", (), f"{host}:{port} takes the connection and says nothing.",
            "The server or a firewall in between is stuck; try again, or from another network.", no_answer=True,
        )  # fmt: skip
    if isinstance(problem, ssl.SSLCertVerificationError):
        return _untrusted(problem.verify_message, host, port, way, bundle)
    reason = str(getattr(problem, "reason", None) or getattr(problem, "strerror", None) or type(problem).__name__)
    if re.search("WRONG_VERSION|UNKNOWN_PROTOCOL|HTTP_REQUEST|RECORD_LAYER|PACKET_LENGTH", reason.upper()):
        return Step(
            "tls", FAIL, "what answers does not speak TLS", (), f"What answers at {host}:{port} does not speak TLS.",
            "Check the port of --token-endpoint; or the address begins with https:// where http:// was meant.",
        )  # fmt: skip
    if isinstance(problem, ConnectionError | ssl.SSLEOFError) or "EOF" in reason.upper():
        return Step(
            "tls", FAIL, "the other side broke off the handshake", (), f"{host}:{port} broke off the TLS handshake.",
            "The server, or a firewall on the way that looks into TLS, ended it: try again, and from another network.",
            no_answer=True,
        )  # fmt: skip
    spoken = reason.lower().replace("_", " ")
    return Step(
        "tls", FAIL, f"the handshake failed: {spoken}", (), f"The TLS handshake with {host}:{port} failed: {spoken}.",
        "This machine and the server have no TLS version or cipher in common, or the server wants a client certificate.",
    )  # fmt: skip


def _untrusted(reason: str, host: str, port: int, way: Way, bundle: str) -> Step:
    presented = _presented(host, port, way.seconds)
    more = (f"it presents {presented}", f"trusted are the authorities in {bundle}")
    command = f"openssl s_client -connect {host}:{port} -servername {host} -showcerts </dev/null"
    if "expired" in reason:
        cause, remedy = (
            "has expired",
            "Whoever runs the server renews it; if its dates are good, this machine's clock is wrong.",
        )
    elif "not yet valid" in reason:
        cause, remedy = "is not valid yet", "Set this machine's clock right (timedatectl set-ntp true)."
    elif "mismatch" in reason or "match" in reason:
        cause, remedy = (
            f"is not for {host}",
            "Check the host in the address; a proxy or a captive portal may answer in its place.",
        )
    else:
        cause = "is of an authority that this machine does not trust"
        remedy = "If your organisation's own authority issued it, name its certificate: --ca FILE, or REQUESTS_CA_BUNDLE. If not, "
        remedy += "something answers in the server's place."
    return Step("tls", FAIL, f"{reason}", more, f"The certificate of {host}:{port} {cause}.", remedy, command)


def _presented(host: str, port: int, seconds: float) -> str:
    """The certificate that nobody trusts, for a person to look at: nothing is sent to who presents it."""
    try:
        from cryptography import x509

        pem = ssl.get_server_certificate((host, port), timeout=seconds)
        certificate = x509.load_pem_x509_certificate(pem.encode("ascii"))
        names = [certificate.subject.rfc4514_string() or "no subject"]
        with suppress(x509.ExtensionNotFound):
            names = (
                certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
                    x509.DNSName
                )
                or names
            )
        return _printable(
            f"a certificate for {', '.join(names[:3])} by {certificate.issuer.rfc4514_string()}, good from "
            f"{date(certificate.not_valid_before_utc.timestamp())} to {date(certificate.not_valid_after_utc.timestamp())}"
        )
    except (OSError, ValueError):
        return "a certificate that could not be fetched again"


def _shown(certificate: Any) -> str:
    if not certificate:
        return "a certificate that is trusted"
    ends = ssl.cert_time_to_seconds(certificate["notAfter"])
    issuer = {name: value for part in certificate.get("issuer", ()) for name, value in part}
    by = issuer.get("organizationName") or issuer.get("commonName") or "an authority without a name"
    return _printable(f"a trusted certificate by {by}, good to {date(ends)}")


def _printable(text: str) -> str:
    return re.sub(r"[^ -~\u00a0-\uffff]", "?", text)[:300]
