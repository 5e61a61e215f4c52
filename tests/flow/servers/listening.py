"""A WSGI application that listens while a test runs.

Rule: on loopback, at a port that the system chooses; nothing of it is left when it is closed.
"""

from __future__ import annotations

import threading
from typing import Any

from werkzeug.serving import make_server


class Listening:
    """Serves an application.

    Args:
        app: It.

    Attributes:
        url: Where it listens; its issuer identifier, where it is an authorization server.
        token_endpoint: Its token endpoint.
        api: A call of its API.
    """

    def __init__(self, app: Any) -> None:
        self.http = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.token_endpoint, self.api = f"{self.url}/token", f"{self.url}/api/me"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        """Ends it."""
        self.http.shutdown()
        self.thread.join(10)
        self.http.server_close()
