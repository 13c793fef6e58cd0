"""A collector of traces: takes OTLP over HTTP (protobuf) as OpenTelemetry defines it, and keeps the spans."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

from .server import free_port
from .waiting import until

PATH = "/v1/traces"
PROTOBUF = "application/x-protobuf"


@dataclass(frozen=True)
class Span:
    """One span as it was sent."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    # Of the process that sent it.
    resource: dict[str, Any]
    events: int
    status: str
    begun: int
    ended: int

    @property
    def is_statement(self) -> bool:
        return "db.query.text" in self.attributes


class Collector:
    """The receiver. It listens until it is closed; what it got before is kept when it opens again at the same port."""

    def __init__(self) -> None:
        # The status of its answers; anything but 200 keeps nothing.
        self.status = 200
        self._spans: list[Span] = []
        self._bodies: list[bytes] = []
        self._faults: list[str] = []
        self._asked = 0
        self._lock = threading.Lock()
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._server: ThreadingHTTPServer | None = None
        self.port = free_port()
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}"

    def open(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self._answer))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="collector", daemon=True).start()

    def close(self) -> None:
        """Nobody listens there any more."""
        self._may_answer.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Connections are refused meanwhile."""
        self.close()
        try:
            yield
        finally:
            self.open()

    @contextmanager
    def silent(self) -> Iterator[None]:
        """It takes what is sent and answers nothing meanwhile."""
        self._may_answer.clear()
        try:
            yield
        finally:
            self._may_answer.set()

    @contextmanager
    def failing(self, status: int = 500) -> Iterator[None]:
        """It refuses what is sent meanwhile."""
        self.status = status
        try:
            yield
        finally:
            self.status = 200

    def _answer(self, request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        with self._lock:
            self._asked += 1
        self._may_answer.wait()
        if self.status != 200:
            return self.status, b""
        try:
            spans = _read(request, body)
        except (DecodeError, ValueError) as error:
            with self._lock:
                self._faults.append(f"{error}: {request.requestline}")
            return 400, b""
        with self._lock:
            self._bodies.append(body)
            self._spans += spans
        return 200, ExportTraceServiceResponse().SerializeToString()

    @property
    def asked(self) -> int:
        """How often something was sent, whatever came of it."""
        with self._lock:
            return self._asked

    def wait_for_asked(self, count: int) -> None:
        until(f"it is asked {count} times", lambda: self.asked >= count)

    @property
    def spans(self) -> list[Span]:
        """All so far. What was sent must have been as the protocol has it."""
        with self._lock:
            assert not self._faults, self._faults
            return list(self._spans)

    def text(self) -> str:
        """Every byte that was taken, to be searched; strings are in it as they are."""
        with self._lock:
            return "\n".join(body.decode("utf-8", "replace") for body in self._bodies)

    def trace(self, trace_id: str) -> list[Span]:
        return [span for span in self.spans if span.trace_id == trace_id]

    def wait_for(self, what: str, wanted: Callable[[Span], bool], *, seconds: float = 20) -> Span:
        """The first span like that; waits for it to come."""
        find = lambda: next((span for span in self.spans if wanted(span)), None)  # noqa: E731
        return until(f"{what} is sent", find, seconds=seconds)


def _read(request: BaseHTTPRequestHandler, body: bytes) -> list[Span]:
    """The spans of one request. Fails if anything in it is not as OTLP has it."""
    kind, encoding = request.headers.get("Content-Type"), request.headers.get("Content-Encoding")
    if (request.path, kind, encoding) != (PATH, PROTOBUF, None):
        raise ValueError(f"not {PROTOBUF} at {PATH} but {kind}, {encoding} at {request.path}")
    message = ExportTraceServiceRequest.FromString(body)
    return [
        _span(span, _attributes(resource.resource.attributes))
        for resource in message.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _span(sent: trace_pb2.Span, resource: dict[str, Any]) -> Span:
    if len(sent.trace_id) != 16 or len(sent.span_id) != 8 or len(sent.parent_span_id) not in (0, 8):
        raise ValueError(f"ids of a wrong length in the span {sent.name!r}")
    return Span(
        name=sent.name,
        kind=trace_pb2.Span.SpanKind.Name(sent.kind).removeprefix("SPAN_KIND_"),
        trace_id=sent.trace_id.hex(),
        span_id=sent.span_id.hex(),
        parent_id=sent.parent_span_id.hex(),
        attributes=_attributes(sent.attributes),
        resource=resource,
        events=len(sent.events),
        status=trace_pb2.Status.StatusCode.Name(sent.status.code).removeprefix("STATUS_CODE_"),
        begun=sent.start_time_unix_nano,
        ended=sent.end_time_unix_nano,
    )


def _attributes(sent: Any) -> dict[str, Any]:
    def value(pair: KeyValue) -> Any:
        kind = pair.value.WhichOneof("value")
        return getattr(pair.value, kind) if kind else None

    return {pair.key: value(pair) for pair in sent}


def _handler(answer: Callable[[BaseHTTPRequestHandler], tuple[int, bytes]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:  # noqa: N802, the library looks for this name
            status, body = answer(self)
            # Nobody keeps a connection to a collector that is about to go away.
            self.close_connection = True
            # Whoever has waited too long is gone.
            with suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", PROTOBUF)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

    return Handler
