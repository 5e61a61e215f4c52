"""The samples of other clients, as they stand, against the local authority."""

from __future__ import annotations

import pytest

from tests.flow.grpc_kit import CA, serving
from tests.samples.test_samples import run, served

__all__ = ["served"]


@pytest.mark.parametrize("name", ["httpx_async", "aiohttp_client", "urllib3_pool", "any_callable"])
def test_batch(name, served):
    """A batch of calls costs one exchange, whichever client makes them."""
    server, path = served
    shown = run(
        f"{name}.py", path, f"{server.api_url}/files", "--calls", "20", "--token-endpoint", server.token_endpoint
    )
    assert shown == "20 of 20 calls succeeded\n"
    assert (server.authority.exchanges, server.authority.api.calls) == (1, 20)


def test_grpc(served, tmp_path):
    """A call of a gRPC service carries the token."""
    server, path = served
    CA.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    with serving(server.authority) as service:
        shown = run(
            "grpc_call.py", path, service.target, "--roots", str(tmp_path / "roots.pem"),
            "--token-endpoint", server.token_endpoint,
        )  # fmt: skip
    assert shown == "OK 0 bytes\n"
    assert (server.authority.exchanges, len(service.service.seen)) == (1, 1)
