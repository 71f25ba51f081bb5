"""Hashes, HKDF, X-Wing, HPKE (receiving side), AES-256-GCM, Ed25519, Shamir: what spec/format.md builds on."""

import functools
import hashlib
import hmac

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import mlkem
from cbor import Refused

PREFIX = "scelle.health/v1/"


def label(name):
    return (PREFIX + name).encode() + b"\0"


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def hash_of(name, *parts):
    return sha256(label(name), *parts)


def u32(value):
    return value.to_bytes(4, "big")


def hmac256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def expand(prk, info, length, digest=hashlib.sha256):
    out, previous, block = b"", b"", 1
    while len(out) < length:
        previous = hmac.new(prk, previous + info + bytes([block]), digest).digest()
        out += previous
        block += 1
    return out[:length]


def hkdf(ikm, salt, info, length=32):
    return expand(hmac256(salt or bytes(32), ikm), info, length)


def aead_open(key, nonce, sealed, aad=b""):
    """None where the tag does not hold."""
    try:
        return AESGCM(key).decrypt(nonce, sealed, aad)
    except (InvalidTag, ValueError):
        return None


def verify(public, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


@functools.lru_cache(maxsize=64)
def xwing_key(seed):
    """ML-KEM key, X25519 key and 1,216-byte public key of a 32-byte seed (draft-connolly-cfrg-xwing-kem 5.2)."""
    expanded = hashlib.shake_256(seed).digest(96)
    kem = mlkem.keygen(expanded[:64])
    x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
    public = x25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return kem, x25519, kem["public"] + public


def xwing_public(seed):
    return xwing_key(seed)[2]


@functools.lru_cache(maxsize=256)
def xwing_decapsulate(seed, enc):
    kem, x25519, public = xwing_key(seed)
    first = mlkem.decapsulate(kem, enc[:1088])
    try:
        second = x25519.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    except ValueError:
        raise Refused("seal-invalid") from None
    return hashlib.sha3_256(first + second + enc[1088:] + public[1184:] + bytes.fromhex("5c2e2f2f5e5c")).digest()


SUITE_ID = b"HPKE" + bytes.fromhex("647a00010002")


def labeled_extract(salt, name, ikm):
    return hmac256(salt or bytes(32), b"HPKE-v1" + SUITE_ID + name + ikm)


def labeled_expand(prk, name, info, length):
    return expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + SUITE_ID + name + info, length)


def hpke_receive(seed, enc, info):
    """Key, base nonce and exporter secret of HPKE's base mode, RFC 9180 section 5.1."""
    shared = xwing_decapsulate(bytes(seed), bytes(enc))
    context = b"\0" + labeled_extract(b"", b"psk_id_hash", b"") + labeled_extract(b"", b"info_hash", info)
    secret = labeled_extract(shared, b"secret", b"")
    return tuple(
        labeled_expand(secret, name, context, n) for name, n in ((b"key", 32), (b"base_nonce", 12), (b"exp", 32))
    )


def hpke_export(seed, enc, info):
    return labeled_expand(hpke_receive(seed, enc, info)[2], b"sec", b"", 32)


def hpke_open(seeds, enc, info, sealed):
    for seed in reversed(seeds):
        key, nonce, _ = hpke_receive(seed, enc, info)
        opened = aead_open(key, nonce, sealed)
        if opened is not None:
            return opened
    raise Refused("seal-invalid")


def gf_multiply(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def gf_inverse(a):
    result = 1
    for _ in range(254):
        result = gf_multiply(result, a)
    return result


def combine(one, other):
    """Lagrange interpolation at 0 over GF(256) of two shares, the last byte their x-coordinate."""
    x, y = one[-1], other[-1]
    if x == y:
        return None
    scale = gf_inverse(x ^ y)
    return bytes(
        gf_multiply(a, gf_multiply(y, scale)) ^ gf_multiply(b, gf_multiply(x, scale))
        for a, b in zip(one[:-1], other[:-1])
    )
