"""How clients reach a server by its URL: whose certificates they believe, and which connections they keep."""

import base64
import hashlib
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# Of servers that were named with an authority of their own.
_believed: dict[str, ssl.SSLContext] = {}
_kept: dict[str, httpx.HTTPTransport] = {}
# Where nothing is encrypted, nobody has to be believed.
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def believe(base_url: str, authority: Path) -> None:
    """From now on a certificate of this server is good if this authority has signed it, and no other."""
    _believed[base_url] = ssl.create_default_context(cafile=authority)


def forget(base_url: str) -> None:
    """Ends what is kept of a server that is gone."""
    _believed.pop(base_url, None)
    kept = _kept.pop(base_url, None)
    if kept is not None:
        kept.close()


def context(base_url: str) -> ssl.SSLContext:
    """What is needed to encrypt. A server that `believe` was not told of needs a certificate that this machine believes."""
    if base_url not in _believed:
        _believed[base_url] = ssl.create_default_context()
    return _believed[base_url]


def to(base_url: str) -> httpx.HTTPTransport:
    """The way of httpx to a server. All clients share the encrypted connections to it, since each costs a handshake; others
    are not kept, since a server would wait for them when it stops."""
    if not base_url.startswith("https:"):
        return httpx.HTTPTransport(verify=_NOBODY, limits=httpx.Limits(max_keepalive_connections=0))
    if base_url not in _kept:
        _kept[base_url] = httpx.HTTPTransport(verify=context(base_url), limits=httpx.Limits())
    return _kept[base_url]


def connect(base_url: str) -> socket.socket:
    """A connection to write to by hand, encrypted if the URL says so."""
    place = urlsplit(base_url)
    encrypted = place.scheme == "https"
    host = place.hostname or ""
    plain = socket.create_connection((host, place.port or (443 if encrypted else 80)), timeout=15)
    if not encrypted:
        return plain
    try:
        return context(base_url).wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def fingerprint(base_url: str) -> str:
    """Of the public key of a server that is believed, as Chromium takes it."""
    with connect(base_url) as connection:
        assert isinstance(connection, ssl.SSLSocket)
        certificate = connection.getpeercert(binary_form=True)
    assert certificate
    key = x509.load_der_x509_certificate(certificate).public_key()
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
