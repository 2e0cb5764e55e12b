"""The console as a server: uvicorn on one address, with TLS when there is a certificate."""

from __future__ import annotations

import uvicorn
from starlette.applications import Starlette


def server(application: Starlette, host: str, port: int) -> uvicorn.Server:
    """Nothing runs yet. No access log: addresses are nobody's business, and the journal says who saw what."""
    config = uvicorn.Config(
        application,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
    )
    return uvicorn.Server(config)
