"""Passkeys' signatures, as spec/format.md has them: WebAuthn level 3, section 7.2, without a server's memory."""

import base64
import json
import sys

import p256
from cbor import Refused
from primitives import hash_of, sha256, verify

ASSERTED_KINDS = ("session", "confirmation", "order", "sign-out", "objection", "ticket")
USER_PRESENT, USER_VERIFIED, ELIGIBLE, BACKED_UP, ATTESTED, EXTENDED = 1, 4, 8, 16, 64, 128
ABSENT = object()

# A list in a list in a list, 2,048 bytes of it, is JSON.
sys.setrecursionlimit(10_000)


def require(condition):
    if not condition:
        raise Refused("assertion-invalid")


def no_number(name):
    raise ValueError(name)


def client_data(data):
    """A JSON object of RFC 8259; Python's own reader takes NaN and the infinities as well."""
    try:
        found = json.loads(data.decode("utf-8"), parse_constant=no_number)
    except ValueError:
        found = None
    require(isinstance(found, dict))
    return found


def challenge(message):
    return hash_of("assertion", message)


def check(signed, passkeys, message):
    """The passkey that signed; `message` is what a key's signature of the statement would cover."""
    given = signed["assertion"]
    require(signed["kind"] in ASSERTED_KINDS)
    found = [one for one in passkeys if one["credential"] == given["credential"]]
    require(found)
    passkey = found[0]
    said = client_data(given["clientData"])
    expected = base64.urlsafe_b64encode(challenge(message)).rstrip(b"=").decode()
    require(said.get("type") == "webauthn.get" and said.get("challenge") == expected)
    require(said.get("origin") == passkey["origin"] and said.get("crossOrigin", False) is False)
    require(said.get("topOrigin", ABSENT) is ABSENT)
    data = given["authenticatorData"]
    flags = data[32]
    require(data[:32] == sha256(passkey["rpId"].encode()))
    require(flags & USER_PRESENT and flags & USER_VERIFIED and not flags & (ATTESTED | EXTENDED))
    require(flags & ELIGIBLE or not flags & BACKED_UP)
    require((not flags & ELIGIBLE) == passkey["deviceBound"])
    holds = p256.verify if passkey["algorithm"] == "ES256" else verify
    require(holds(passkey["publicKey"], data + sha256(given["clientData"]), signed["signature"]))
    return passkey
