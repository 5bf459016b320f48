"""The yardstick of reads: a bare ASGI application that answers bytes from memory. Arguments: port, then files.

File number n is answered at /n. Same server, same loop and same parser as the gateway's.
"""

import sys
from pathlib import Path
from typing import Any

import uvicorn

BODIES = {f"/{number}": Path(name).read_bytes() for number, name in enumerate(sys.argv[2:])}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Nothing but the answer."""
    body = BODIES[scope["path"]]
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


if __name__ == "__main__":
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
    )
