"""A mail server that takes everything and keeps nothing, so that it is not the sink that is measured."""

import asyncio
import threading
from types import TracebackType
from typing import Self


class _Session(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._waiting, self._in_data = transport, b"", False
        transport.write(b"220 localhost\r\n")

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            piece, found, rest = self._waiting.partition(end)
            if not found:
                return
            self._waiting = rest
            self._answer(piece.upper())

    def _answer(self, line: bytes) -> None:
        if self._in_data:
            self._in_data = False
            self._transport.write(b"250 OK\r\n")
        elif line.startswith(b"DATA"):
            self._in_data = True
            self._transport.write(b"354 Go on\r\n")
        elif line.startswith(b"QUIT"):
            self._transport.write(b"221 Bye\r\n")
            self._transport.close()
        else:
            extensions = b"250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n" if line.startswith(b"EHLO") else b"250 OK\r\n"
            self._transport.write(extensions)


class Sink:
    """Listens on a port of this machine while it is entered."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(20)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def _listen(self) -> asyncio.Server:
        return await self._loop.create_server(_Session, "127.0.0.1", 0)

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=20)

    @property
    def settings(self) -> dict[str, str]:
        """What leads usher to it."""
        return {"USHER_SMTP_URL": f"smtp://127.0.0.1:{self.port}?tls=none", "USHER_MAIL_FROM": "Bench <bench@example.com>"}
