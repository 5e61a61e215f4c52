"""The token that Kubernetes projects into a pod."""

from __future__ import annotations

from pathlib import Path

import pytest

from sa_auth.assertions import FromFile, Kubernetes
from sa_auth.errors import ConfigError

from .texts import NOW, token


def test_the_default_path() -> None:
    """Without an argument it is the token of the pod's service account."""
    path = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    assert Kubernetes().fingerprint() == FromFile(path).fingerprint() == ("from_file", path)
    assert repr(Kubernetes()) == f"Kubernetes('{path}')"


def test_another_path(tmp_path: Path) -> None:
    """A token projected for another audience is at another path."""
    (tmp_path / "vault").write_text(token())
    assert Kubernetes(tmp_path / "vault").mint(NOW) == token()


def test_outside_of_a_pod(tmp_path: Path) -> None:
    """Where there is none, the hint shows what mounts it; the path is named."""
    with pytest.raises(ConfigError) as caught:
        Kubernetes(tmp_path / "token").mint(NOW)
    assert (caught.value.code, caught.value.retryable) == ("assertion_missing", True)
    assert "serviceAccountToken" in caught.value.hint
    assert str(tmp_path / "token") in caught.value.message
