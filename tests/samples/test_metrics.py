"""The sample that counts, as it stands, against the local authority."""

from __future__ import annotations

from sa_auth.testing import Authority, google_key_file, new_key
from tests.samples.test_samples import EMAIL, run


def test_metrics_of_a_batch(tmp_path):
    """A batch of calls is one exchange and hits for the rest, by name, and by name and tier."""
    private, public = new_key("rsa2048")
    authority, path = Authority(dialect="google"), tmp_path / "key.json"
    authority.register(EMAIL, public)
    with authority.serve() as server:
        google_key_file(path, email=EMAIL, private_key_pem=private, token_uri=server.token_endpoint)
        shown = run(
            "metrics.py", str(path), f"{server.api_url}/files", "--calls", "12",
            "--token-endpoint", server.token_endpoint,
        )  # fmt: skip
    assert shown == "exchange 1\nhit 11\nhit memory 11\n"
    assert authority.exchanges == 1
    assert authority.api.calls == 12
