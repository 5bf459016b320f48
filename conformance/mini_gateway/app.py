"""Runs the mini gateway on a socket."""

from __future__ import annotations

import secrets
from types import TracebackType

from aiohttp import web

from conformance.mini_gateway import edge
from conformance.mini_gateway.postman import Postman
from conformance.mini_gateway.world import World


class MiniGateway:
    """`async with MiniGateway() as gateway:` serves at `gateway.url` until the block ends.

    `fault` names the one thing that it does wrong (see conformance/mutants/gateway.py); `retry_pause` is the
    seconds before an event is posted the second time.
    """

    def __init__(
        self,
        fault: str = "",
        *,
        test_secret: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        retry_pause: float = 1.0,
    ) -> None:
        self.test_secret = test_secret if test_secret is not None else secrets.token_urlsafe(16)
        self.world = World(fault, self.test_secret)
        self._where = (host, port)
        self._postman = Postman(self.world, retry_pause)
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The origin that serves /.well-known/vgcp."""
        return self.world.url

    async def __aenter__(self) -> MiniGateway:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        runner = self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, *self._where).start()
        host, port = runner.addresses[0][:2]
        self.world.url = f"http://{host}:{port}"
        return self

    async def _serve(self, request: web.Request) -> web.Response:
        try:
            return await edge.serve(self.world, request)
        finally:
            self._postman.collect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self._postman.close()
        if self._runner is not None:
            await self._runner.cleanup()
