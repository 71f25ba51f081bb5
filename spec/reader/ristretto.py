"""ristretto255 (RFC 9496), its hashes (RFC 9380), and the proof of RFC 9497: from the RFCs, in whole numbers."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)
ZERO = (0, 1, 1, 0)


def absolute(x):
    return -x % P if x & 1 else x


def sqrt_ratio(u, v):
    """RFC 9496, 3.1: whether u/v is a square, and its root, or that of SQRT_M1 * u/v."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P) % P, (P - 5) // 8, P) % P
    check = v * r * r % P
    correct, flipped, flipped_i = check == u % P, check == -u % P, check == -u * SQRT_M1 % P
    if flipped or flipped_i:
        r = r * SQRT_M1 % P
    return correct or flipped, absolute(r)


def root(x, odd):
    square, r = sqrt_ratio(x % P, 1)
    assert square
    return r if (r & 1) == odd else P - r


SQRT_AD_MINUS_ONE = root(-D - 1, 1)
INVSQRT_A_MINUS_D = root(pow(-1 - D, P - 2, P), 0)


def add(one, other):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * D * t1 * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    found, scalar = ZERO, scalar % L
    while scalar:
        if scalar & 1:
            found = add(found, point)
        point, scalar = add(point, point), scalar >> 1
    return found


def equal(one, other):
    return one[0] * other[1] % P == one[1] * other[0] % P or one[1] * other[1] % P == one[0] * other[0] % P


def decode(data):
    """None where it is no canonical encoding, or the identity's."""
    s = int.from_bytes(data, "little")
    if s >= P or s & 1 or s == 0:
        return None
    ss = s * s % P
    u1, u2 = (1 - ss) % P, (1 + ss) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    square, inverse = sqrt_ratio(1, v * u2 * u2 % P)
    den_x = inverse * u2 % P
    den_y = inverse * den_x * v % P
    x = absolute(2 * s * den_x % P)
    y = u1 * den_y % P
    t = x * y % P
    return (x, y, 1, t) if square and not t & 1 and y else None


def encode(point):
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    _, inverse = sqrt_ratio(1, u1 * u2 * u2 % P)
    den1, den2 = inverse * u1 % P, inverse * u2 % P
    z_inverse = den1 * den2 * t % P
    if t * z_inverse % P & 1:
        x, y, den = y * SQRT_M1 % P, x * SQRT_M1 % P, den1 * INVSQRT_A_MINUS_D % P
    else:
        den = den2
    if x * z_inverse % P & 1:
        y = -y
    return absolute(den * (z - y) % P).to_bytes(32, "little")


def expand(message, dst, length=64):
    """expand_message_xmd with SHA-512, RFC 9380, 5.3.1, for at most 64 bytes."""
    suffix = dst + bytes([len(dst)])
    first = hashlib.sha512(bytes(128) + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    return hashlib.sha512(first + b"\1" + suffix).digest()[:length]


def elligator(data):
    t = int.from_bytes(data, "little") % 2**255 % P
    r = SQRT_M1 * t * t % P
    u, v = (r + 1) * (1 - D * D) % P, (-1 - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    c = -1
    if not square:
        s, c = -absolute(s * t % P) % P, r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1, w2, w3 = 2 * s * v % P, n * SQRT_AD_MINUS_ONE % P, (1 - s * s) % P, (1 + s * s) % P
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def hash_to_point(message, dst):
    uniform = expand(message, dst)
    return add(elligator(uniform[:32]), elligator(uniform[32:]))


BASE = decode(bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"))
CONTEXT = b"OPRFV1-\x01-ristretto255-SHA512"


def framed(*parts):
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts)


def hash_to_scalar(message):
    return int.from_bytes(expand(message, b"HashToScalar-" + CONTEXT), "little") % L


def proof_holds(evaluated, proof, blinded, public):
    """RFC 9497, 2.2.2, for one element: that `evaluated` is `blinded` times the logarithm of `public`. All bytes."""
    points = [decode(one) for one in (public, blinded, evaluated)]
    c, s = int.from_bytes(proof[:32], "little"), int.from_bytes(proof[32:], "little")
    if None in points or c >= L or s >= L:
        return False
    key, one, other = points
    seed = hashlib.sha512(framed(public, b"Seed-" + CONTEXT)).digest()
    weight = hash_to_scalar(framed(seed) + b"\0\0" + framed(blinded, evaluated) + b"Composite")
    m, z = times(weight, one), times(weight, other)
    t2, t3 = add(times(s, BASE), times(c, key)), add(times(s, m), times(c, z))
    return c == hash_to_scalar(framed(public, *map(encode, (m, z, t2, t3))) + b"Challenge")


def lagrange(place, places):
    value = 1
    for other in places:
        if other != place:
            value = value * other * pow(other - place, -1, L) % L
    return value
