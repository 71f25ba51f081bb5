"""ML-KEM-768 key generation from a seed and decapsulation, FIPS 203, in plain Python: slow, and not constant-time."""

import hashlib

Q, N, K = 3329, 256, 3
ETA1, ETA2, DU, DV = 2, 2, 10, 4
PUBLIC, CIPHERTEXT = 384 * K + 32, 32 * (DU * K + DV)


def bit_reverse7(value):
    return int(format(value, "07b")[::-1], 2)


ZETAS = [pow(17, bit_reverse7(i), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * bit_reverse7(i) + 1, Q) for i in range(128)]


def ntt(poly):
    f = list(poly)
    i, length = 1, 128
    while length >= 2:
        for start in range(0, N, 2 * length):
            zeta = ZETAS[i]
            i += 1
            for j in range(start, start + length):
                t = zeta * f[j + length] % Q
                f[j + length] = (f[j] - t) % Q
                f[j] = (f[j] + t) % Q
        length //= 2
    return f


def inverse_ntt(poly):
    f = list(poly)
    i, length = 127, 2
    while length <= 128:
        for start in range(0, N, 2 * length):
            zeta = ZETAS[i]
            i -= 1
            for j in range(start, start + length):
                t = f[j]
                f[j] = (t + f[j + length]) % Q
                f[j + length] = zeta * (f[j + length] - t) % Q
        length *= 2
    return [value * 3303 % Q for value in f]


def multiply(f, g):
    h = [0] * N
    for i in range(128):
        a0, a1, b0, b1 = f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]
        h[2 * i] = (a0 * b0 + a1 * b1 * GAMMAS[i]) % Q
        h[2 * i + 1] = (a0 * b1 + a1 * b0) % Q
    return h


def add(f, g):
    return [(a + b) % Q for a, b in zip(f, g)]


def subtract(f, g):
    return [(a - b) % Q for a, b in zip(f, g)]


def dot(row, vector):
    total = [0] * N
    for f, g in zip(row, vector):
        total = add(total, multiply(f, g))
    return total


def byte_encode(poly, bits):
    packed = 0
    for i, value in enumerate(poly):
        packed |= value << (i * bits)
    return packed.to_bytes(32 * bits, "little")


def byte_decode(data, bits):
    packed = int.from_bytes(data, "little")
    mask = (1 << bits) - 1
    return [(packed >> (i * bits)) & mask for i in range(N)]


def compress(poly, bits):
    return [((value << bits) + Q // 2) // Q % (1 << bits) for value in poly]


def decompress(poly, bits):
    return [(value * Q + (1 << (bits - 1))) >> bits for value in poly]


def sample_ntt(seed):
    poly = []
    length = 840
    while True:
        stream = hashlib.shake_128(seed).digest(length)
        poly = []
        for i in range(0, length - 2, 3):
            a, b, c = stream[i : i + 3]
            for value in (a + 256 * (b % 16), b // 16 + 16 * c):
                if value < Q and len(poly) < N:
                    poly.append(value)
        if len(poly) == N:
            return poly
        length *= 2


def sample_noise(seed, nonce, eta):
    stream = int.from_bytes(hashlib.shake_256(seed + bytes([nonce])).digest(64 * eta), "little")
    poly = []
    for i in range(N):
        bits = stream >> (2 * i * eta)
        x = sum((bits >> j) & 1 for j in range(eta))
        y = sum((bits >> (eta + j)) & 1 for j in range(eta))
        poly.append((x - y) % Q)
    return poly


def matrix(rho):
    return [[sample_ntt(rho + bytes([j, i])) for j in range(K)] for i in range(K)]


def keygen(seed):
    """Decapsulation key parts and the 1,184-byte encapsulation key of a 64-byte seed d ‖ z."""
    d, z = seed[:32], seed[32:]
    digest = hashlib.sha3_512(d + bytes([K])).digest()
    rho, sigma = digest[:32], digest[32:]
    a = matrix(rho)
    s = [ntt(sample_noise(sigma, i, ETA1)) for i in range(K)]
    e = [ntt(sample_noise(sigma, K + i, ETA1)) for i in range(K)]
    t = [add(dot(a[i], s), e[i]) for i in range(K)]
    public = b"".join(byte_encode(poly, 12) for poly in t) + rho
    return {"s": s, "z": z, "a": a, "t": t, "public": public}


def encrypt(key, message, randomness):
    a, t = key["a"], key["t"]
    y = [ntt(sample_noise(randomness, i, ETA1)) for i in range(K)]
    e1 = [sample_noise(randomness, K + i, ETA2) for i in range(K)]
    e2 = sample_noise(randomness, 2 * K, ETA2)
    u = [add(inverse_ntt(dot([a[j][i] for j in range(K)], y)), e1[i]) for i in range(K)]
    mu = decompress(byte_decode(message, 1), 1)
    v = add(add(inverse_ntt(dot(t, y)), e2), mu)
    return b"".join(byte_encode(compress(poly, DU), DU) for poly in u) + byte_encode(compress(v, DV), DV)


def decapsulate(key, ciphertext):
    """The 32-byte shared secret; an invalid ciphertext gives a pseudo-random one (implicit rejection)."""
    if len(ciphertext) != CIPHERTEXT:
        raise ValueError("a ciphertext of ML-KEM-768 has 1,088 bytes")
    size = 32 * DU
    u = [decompress(byte_decode(ciphertext[i * size : (i + 1) * size], DU), DU) for i in range(K)]
    v = decompress(byte_decode(ciphertext[K * size :], DV), DV)
    w = subtract(v, inverse_ntt(dot(key["s"], [ntt(poly) for poly in u])))
    message = byte_encode(compress(w, 1), 1)
    digest = hashlib.sha3_512(message + hashlib.sha3_256(key["public"]).digest()).digest()
    shared, randomness = digest[:32], digest[32:]
    if encrypt(key, message, randomness) == ciphertext:
        return shared
    return hashlib.shake_256(key["z"] + ciphertext).digest(32)
