"""Signed tokens taken apart and put together by hand, to forge what no library would make."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

# Of base64url, in the order of the values.
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def segment(value: Any) -> str:
    return encode(json.dumps(value, separators=(",", ":")).encode())


def header_of(token: str) -> dict[str, Any]:
    return json.loads(decode(token.split(".")[0]))


def claims_of(token: str) -> dict[str, Any]:
    return json.loads(decode(token.split(".")[1]))


def signed(header: dict[str, Any], claims: dict[str, Any], key: Ed25519PrivateKey) -> str:
    """A token with a true signature of any key."""
    text = f"{segment(header)}.{segment(claims)}"
    return f"{text}.{encode(key.sign(text.encode()))}"


def mac_signed(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """A token under HMAC-SHA-256."""
    text = f"{segment(header)}.{segment(claims)}"
    return f"{text}.{encode(hmac.new(key, text.encode(), hashlib.sha256).digest())}"


def public_forms(jwk: dict[str, Any]) -> dict[str, bytes]:
    """A public key in every form that a careless verifier might take for an HMAC key."""
    raw = decode(jwk["x"])
    key = Ed25519PublicKey.from_public_bytes(raw)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return {
        "raw": raw,
        "base64url": jwk["x"].encode(),
        "der": key.public_bytes(serialization.Encoding.DER, form),
        "pem": key.public_bytes(serialization.Encoding.PEM, form),
        "jwk": json.dumps(jwk, separators=(",", ":")).encode(),
    }


def public_jwk(key: Ed25519PrivateKey, kid: str) -> dict[str, Any]:
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(raw), "kid": kid, "use": "sig", "alg": "EdDSA"}
