"""ECDSA on P-256 with SHA-256 (FIPS 186-5, SEC 2 2.4.2): verification, in whole numbers."""

import hashlib

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
A = P - 3
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
BASE = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)


def add(one, other):
    """Of two points, None being the one at infinity."""
    if one is None or other is None:
        return one or other
    (x1, y1), (x2, y2) = one, other
    if x1 == x2 and (y1 + y2) % P == 0:
        return None
    slope = (3 * x1 * x1 + A) * pow(2 * y1, -1, P) if one == other else (y2 - y1) * pow(x2 - x1, -1, P)
    x = (slope * slope - x1 - x2) % P
    return x, (slope * (x1 - x) - y1) % P


def times(scalar, point):
    found = None
    while scalar:
        if scalar & 1:
            found = add(found, point)
        point, scalar = add(point, point), scalar >> 1
    return found


def halves(data):
    return int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")


def verify(public, message, signature):
    """Key `x ‖ y`, signature `r ‖ s`; of the two values of `s` that hold, the smaller one alone."""
    if len(public) != 64 or len(signature) != 64:
        return False
    x, y = halves(public)
    r, s = halves(signature)
    if x >= P or y >= P or (y * y - (x * x + A) * x - B) % P or not 0 < r < N or not 0 < s <= N // 2:
        return False
    inverse = pow(s, -1, N)
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    point = add(times(digest * inverse % N, BASE), times(r * inverse % N, (x, y)))
    return point is not None and point[0] % N == r
