"""Writes HTTP/2 frames by hand, as a hostile peer would (RFC 9113, RFC 7541)."""
import contextlib
import socket
import struct

HEADERS, RST_STREAM, SETTINGS, CONTINUATION = 1, 3, 4, 9
END_HEADERS = 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def literal(name: bytes, value: bytes) -> bytes:
    """A header field, neither indexed nor compressed."""
    return b"\x00" + _text(name) + _text(value)


def _text(text: bytes) -> bytes:
    return integer(len(text), 7) + text


def integer(number: int, bits: int, first: int = 0) -> bytes:
    most = (1 << bits) - 1
    if number < most:
        return bytes((first | number,))
    out, number = [first | most], number - most
    while number >= 128:
        out.append(number % 128 + 128)
        number //= 128
    return bytes((*out, number))


def request_headers(path: str, *more) -> bytes:
    return b"".join(literal(name, value) for name, value in (
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", path.encode()), (b":authority", b"x"),
        (b"content-type", b"application/grpc"), (b"te", b"trailers"), *more))


def connect(port: int) -> socket.socket:
    """A connection that has said hello."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=30)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0))
    return peer


def read_all(peer: socket.socket) -> None:
    """Until the other end closes it."""
    with contextlib.suppress(OSError):
        while peer.recv(1 << 16):
            pass
