"""A signed request to AWS STS that says who calls: whoever is handed it may send it, and learns that.

Rule: the keys are read from the environment for every exchange, and only their signature goes out. Stands under the grants.
Source: AWS, "Create a signed AWS API request" (Signature Version 4: canonical request, string to sign, signing key);
https://cloud.google.com/iam/docs/samples/iam-workload-identity-aws-credential for the request as a token, all of it signed;
google-auth's `google.auth.aws`, which leaves the field that names the target unsigned.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from .._fixed import Fixed
from ..errors import ConfigError
from ..token import NOTHING
from ..wire import endpoint
from .from_environment import variable

_ID, _KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
_ALGORITHM, _SERVICE = "AWS4-HMAC-SHA256", "sts"
_DEFAULT = "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"


class AWSCallerIdentity(Fixed):
    """Signs GetCallerIdentity by the keys in AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, where set, AWS_SESSION_TOKEN.

    Args:
        headers: Header fields that are signed with it, such as one that names whom it is for.
        url: Where AWS STS answers it; {region} stands for what AWS_REGION or AWS_DEFAULT_REGION says.

    Raises:
        ConfigError: the address is not AWS STS's.

    Example:
        >>> AWSCallerIdentity({"x-goog-cloud-target-resource": "//iam.googleapis.com/projects/1"}).describe()
        'a signed request of AWS'
    """

    __slots__ = ("headers", "url")

    headers: Mapping[str, str]
    url: str

    def __init__(self, headers: Mapping[str, str] = NOTHING, *, url: str = _DEFAULT) -> None:
        host = urlsplit(endpoint(url.replace("{region}", "region"), "url", by_caller=False)).hostname or ""
        # The signature lets whoever gets it ask AWS who called; nobody else is handed that.
        if not host.startswith("sts.") or not host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
            raise ConfigError(
                f"The address of AWS STS is at {host}.", code="foreign_endpoint",
                hint="It is https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15.",
            )  # fmt: skip
        self._fix(headers={name.lower(): value for name, value in headers.items()}, url=url)

    def mint(self, now: float) -> str:
        """Signs one request, and gives it as the text that it is handed over as: JSON, percent-encoded.

        Args:
            now: Unix seconds.

        Raises:
            ConfigError: a variable is not set.
        """
        # First, so that no frame of an error holds what is secret.
        region = _region()
        for name in (_ID, _KEY):
            variable(name)
        url = self.url.replace("{region}", region)
        # Everything that is sent is signed, so that the text is of use for nothing else.
        headers = {
            **self.headers, "host": urlsplit(url).netloc, "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now)),
        }  # fmt: skip
        session = os.environ.get("AWS_SESSION_TOKEN")
        if session:
            headers["x-amz-security-token"] = session
        headers["Authorization"] = _authorization(url, headers, region)
        listed = [{"key": name, "value": value} for name, value in headers.items()]
        return quote(json.dumps({"headers": listed, "method": "POST", "url": url}, separators=(",", ":")))

    def fingerprint(self) -> tuple[str, ...]:
        """The address, the header fields, and the id of the key that signs."""
        said = (part for item in sorted(self.headers.items()) for part in item)
        return ("aws_caller_identity", self.url, os.environ.get(_ID, ""), *said)

    def describe(self) -> str:
        """What it is."""
        return "a signed request of AWS"

    def _told(self) -> str:
        return repr(urlsplit(self.url).netloc)


def _region() -> str:
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    if not region.replace("-", "").isalnum():
        raise ConfigError(
            "The AWS region is not known: AWS_REGION and AWS_DEFAULT_REGION are not set, or hold no region's name.",
            code="assertion_missing", hint="Set AWS_REGION; no metadata server is asked.",
        )  # fmt: skip
    return region


def _authorization(url: str, headers: Mapping[str, str], region: str) -> str:
    parts, date = urlsplit(url), headers["x-amz-date"]
    names = sorted(headers)
    query = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in parse_qsl(parts.query))
    canonical = "\n".join((
        "POST", quote(parts.path or "/", safe="/-_.~"), "&".join(f"{name}={value}" for name, value in query),
        *(f"{name}:{' '.join(headers[name].split())}" for name in names), "", ";".join(names), _sha256(""),
    ))  # fmt: skip
    scope = f"{date[:8]}/{region}/{_SERVICE}/aws4_request"
    text = "\n".join((_ALGORITHM, date, scope, _sha256(canonical)))
    signature = _signature(scope, text)
    return f"{_ALGORITHM} Credential={variable(_ID)}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"


def _signature(scope: str, text: str) -> str:
    key = b"AWS4" + variable(_KEY).encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
