"""A signed GetCallerIdentity: the signature is the one that google-auth makes of the same request."""

from __future__ import annotations

import datetime
import json
from urllib.parse import unquote

import pytest

from sa_auth.assertions import AWSCallerIdentity
from sa_auth.errors import ConfigError

NOW, TARGET = 1_700_000_000.7, "//iam.googleapis.com/projects/1"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret-canary", "AWS_REGION": "eu-west-1"}


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("session", [None, "session+/="])
@pytest.mark.parametrize(
    "query", ["?Action=GetCallerIdentity&Version=2011-06-15", "/?Version=2011-06-15&Action=GetCallerIdentity"]
)
def test_as_google_auth_signs_it(session: str | None, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Header fields and signature are those of google-auth's signer, for the same time, keys and request."""
    aws = pytest.importorskip("google.auth.aws")
    moment = datetime.datetime.fromtimestamp(int(NOW), datetime.timezone.utc).replace(tzinfo=None)
    monkeypatch.setattr("google.auth._helpers.utcnow", lambda: moment)
    if session is not None:
        monkeypatch.setenv("AWS_SESSION_TOKEN", session)
    url = f"https://sts.eu-west-1.amazonaws.com{query}"
    theirs = aws.RequestSigner("eu-west-1").get_request_options(
        aws.AwsSecurityCredentials("AKIDEXAMPLE", "secret-canary", session), url, "POST",
        additional_headers={"x-goog-cloud-target-resource": TARGET},
    )  # fmt: skip
    source = AWSCallerIdentity({"X-Goog-Cloud-Target-Resource": TARGET}, url=url.replace("eu-west-1", "{region}"))
    ours = json.loads(unquote(source.mint(NOW)))
    assert {one["key"]: one["value"] for one in ours["headers"]} == theirs["headers"]
    assert (ours["url"], ours["method"]) == (theirs["url"], "POST")


def test_no_secret_goes_out() -> None:
    """What is handed over holds a signature, and never the key."""
    source = AWSCallerIdentity({"x-goog-cloud-target-resource": TARGET})
    assert "secret-canary" not in f"{unquote(source.mint(NOW))} {source!r} {source.fingerprint()} {source.describe()}"


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"])
def test_without_a_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set is named, and no metadata server is asked."""
    monkeypatch.delenv(name)
    with pytest.raises(ConfigError) as caught:
        AWSCallerIdentity().mint(NOW)
    assert name in caught.value.message


def test_the_other_variable_of_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_DEFAULT_REGION stands in for AWS_REGION; what is no region's name is refused."""
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-2")
    assert "sts.us-east-2.amazonaws.com" in unquote(AWSCallerIdentity().mint(NOW))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "x.evil.example/")
    with pytest.raises(ConfigError):
        AWSCallerIdentity().mint(NOW)


@pytest.mark.parametrize(
    "url", ["https://sts.evil.example?a=b", "http://sts.eu-west-1.amazonaws.com", "https://s3.amazonaws.com/", "sts"]
)
def test_another_address(url: str) -> None:
    """Only AWS STS is asked who called."""
    with pytest.raises(ConfigError):
        AWSCallerIdentity(url=url)


def test_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key is another caller."""
    first = AWSCallerIdentity().fingerprint()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    assert AWSCallerIdentity().fingerprint() != first
