"""A root and its wraps: spec/format.md, Recovery."""

import hashlib
import unicodedata

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import opening
import ristretto
from cbor import Refused, decode
from primitives import aead_open, combine, hash_of, hkdf, hpke_open, label, u32, xwing_public
from statements import STRUCTS
from verify import ZERO32, read, require, signed_of, verify_signed

NONCE0 = bytes(12)
WRONG = "recovery-invalid"


def head(major, value):
    if value < 24:
        return bytes([major << 5 | value])
    size = 1 if value < 0x100 else 2
    return bytes([major << 5 | 23 + size]) + value.to_bytes(size, "big")


def written(*fields):
    """A struct of small numbers and bytes, as it is encoded."""
    values = [head(0, key) + (head(0, one) if isinstance(one, int) else head(2, len(one)) + one) for key, one in fields]
    return head(5, len(fields)) + b"".join(values)


def principal(seeds):
    """Its id: the hash of a genesis record of time 0, signed by itself."""
    key = Ed25519PrivateKey.from_private_bytes(seeds[:32])
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    record = written((0, 1), (1, 0), (2, 0), (4, public), (5, xwing_public(seeds[32:64])), (6, 0), (7, seeds[64:]))
    signature = key.sign(label("signature") + bytes([0]) + ZERO32 + u32(0) + record)
    return hash_of("statement-id", written((0, 0), (1, record), (2, ZERO32), (3, 0), (4, signature)))


def pairwise(root, organisation):
    made = hkdf(root, organisation, label("pairwise-secrets"), 80)
    return {"signing": made[:32], "sealing": made[32:64], "salt": made[64:], "id": principal(made)}


def require_root(root, wrap):
    require(hash_of("root-check", wrap["salt"], root) == wrap["check"], "root-mismatch")
    return root


def open_wrap(stored, secret):
    require(len(stored) == 8264, "wrap-invalid")
    made = hkdf(secret, ZERO32, label("wrap-secrets"), 96)
    locator, key = made[:32], made[32:64]
    try:
        padded = opening.open_body(key, label("wrap-body") + locator, stored)
    except Refused:
        raise Refused("wrap-invalid") from None
    length = int.from_bytes(padded[:4], "big")
    require(4 + length <= len(padded) and not any(padded[4 + length :]), "wrap-invalid")
    wrap = read("Wrap", padded[4 : 4 + length])
    require(wrap["method"] == "passkey" and "root" in wrap, "wrap-invalid")
    writer = principal(hkdf(made[64:], ZERO32, label("wrap-writer"), 80))
    return {"locator": locator, "writer": writer, "root": require_root(wrap["root"], wrap)}


def recovery_set(encoded):
    found = read("RecoverySet", encoded)
    lists = ("guardians", "shareCommitments", "trustees", "partCommitments")
    require(all(len(found[name]) == 3 for name in lists), WRONG)
    require(all(len(set(found[name])) == 3 for name in ("guardians", "trustees")), WRONG)
    require(found["owner"] not in found["guardians"], WRONG)
    return found


def open_part(encoded, sealed, trustee):
    found = recovery_set(encoded)
    require(trustee["id"] in found["trustees"], "principal-mismatch")
    place = found["trustees"].index(trustee["id"])
    info = label("recovery-part-seal") + hash_of("recovery-set", encoded) + trustee["id"]
    part = hpke_open(trustee["seeds"], sealed["enc"], info, sealed["sealed"])
    committed = hash_of("recovery-part", found["salt"], bytes([place]), part) == found["partCommitments"][place]
    require(committed, "share-invalid")
    return {"part": part, "place": place}


def given_part(sealed, case, trustee, device):
    return hpke_open(device["seeds"], sealed["enc"], label("recovery-release") + case + trustee, sealed["sealed"])


def recovery(signed, encoded, keys_of):
    found = recovery_set(encoded)
    bodies = {}
    for data in signed:
        signer = signed_of("recovery", data)["signer"]
        require(signer in found["guardians"] and signer in keys_of, WRONG)
        bodies[signer] = verify_signed("recovery", data, keys_of[signer])
        newest = len(keys_of[signer]["records"]) - 1
        require(signed_of("recovery", data)["keyVersion"] == newest, "signature-invalid")
    require(len(bodies) >= 2 and len(set(bodies.values())) == 1, WRONG)
    body = next(iter(bodies.values()))
    said = read("Recovery", body)
    require(said["set"] == hash_of("recovery-set", encoded) and said["owner"] == found["owner"], WRONG)
    return {"id": hash_of("recovery-case", body), "guardians": [one for one in found["guardians"] if one in bodies]}


def together(given, holders, name, salt, commitments):
    good, bad = {}, False
    for by, share in given:
        place = holders.index(by) if by in holders else None
        if place is not None and hash_of(name, salt, bytes([place]), share) == commitments[place]:
            good[place] = share
        else:
            bad = True
    if len(good) >= 2:
        one, other = list(good.values())[:2]
        return combine(one, other)
    raise Refused("share-invalid" if bad else "shares-insufficient")


def root_by_guardians(wrap, shares, parts):
    encoded, sealed = wrap["guardians"]["set"], wrap["guardians"]["sealed"]
    found = recovery_set(encoded)
    guarded = together(shares, found["guardians"], "guardian-share", found["salt"], found["shareCommitments"])
    kept = together(parts, found["trustees"], "recovery-part", found["salt"], found["partCommitments"])
    key = hkdf(guarded + kept, hash_of("recovery-set", encoded), label("recovered-root"))
    root = aead_open(key, NONCE0, sealed)
    require(root is not None, "wrap-invalid")
    return require_root(root, wrap)


def spoken_code(ask):
    digits = str(int.from_bytes(hash_of("recovery-ask", ask), "big") % 10**20).zfill(20)
    return " ".join(digits[at : at + 4] for at in range(0, 20, 4))


def pin_set(encoded):
    found = read("PinSet", encoded)
    require(len(found["trustees"]) == len(set(found["trustees"])) == len(found["publicShares"]) == 3, WRONG)
    return found


def pin_share(encoded, sealed, trustee):
    found = pin_set(encoded)
    require(trustee["id"] in found["trustees"], "principal-mismatch")
    public = found["publicShares"][found["trustees"].index(trustee["id"])]
    info = label("pin-share-seal") + hash_of("pin-set", encoded) + trustee["id"]
    secret = hpke_open(trustee["seeds"], sealed["enc"], info, sealed["sealed"])
    scalar = int.from_bytes(secret, "little")
    require(scalar < ristretto.L, "discovery-point-invalid")
    require(scalar > 0 and ristretto.encode(ristretto.times(scalar, ristretto.BASE)) == public, "share-invalid")
    return {"secret": secret, "publicShare": public}


def evaluated(data, places, scalars):
    """RFC 9497, 3.3.2, by a key that is put together: what two trustees answer without doing so."""
    key = sum(int.from_bytes(one, "little") * ristretto.lagrange(place, places) for place, one in zip(places, scalars))
    point = ristretto.hash_to_point(data, b"HashToGroup-OPRFV1-\x01-ristretto255-SHA512")
    output = ristretto.encode(ristretto.times(key % ristretto.L, point))
    framed = b"".join(len(one).to_bytes(2, "big") + one for one in (data, output))
    return hashlib.sha512(framed + b"Finalize").digest()


def root_by_pin(wrap, pin, device, places, scalars):
    encoded, sealed = wrap["pin"]["set"], wrap["pin"]["sealed"]
    typed = unicodedata.normalize("NFKC", pin)
    require(6 <= len(typed) <= 64, "pin-invalid")
    data = label("pin-input") + pin_set(encoded)["salt"] + typed.encode()
    key = hkdf(evaluated(data, places, scalars) + device, hash_of("pin-set", encoded), label("recovered-root"))
    root = aead_open(key, NONCE0, sealed)
    require(root is not None, "pin-invalid")
    return require_root(root, wrap)


def wrap_of(data):
    return decode(STRUCTS["Wrap"], data)
