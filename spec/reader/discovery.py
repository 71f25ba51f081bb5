"""The key for finding vaults: dealings, shares, the key that three trustees sign. spec/format.md, Finding a vault."""

import ristretto
from cbor import Refused, decode
from primitives import hpke_open, label, u32
from statements import STRUCTS
from verify import read, require, signed_of, statement_id, verify_signed

PLACES = (1, 2, 3)
WRONG = "discovery-dealing-invalid"


def place_of(trustee, trustees):
    require(trustee in trustees, "principal-mismatch")
    return trustees.index(trustee) + 1


def binding(dealing, dealer):
    return dealing["ceremony"] + u32(dealing["generation"]) + b"".join(dealing["trustees"]) + dealer


def current_key(data, keys):
    require(signed_of("dealing", data)["keyVersion"] == len(keys["records"]) - 1, "signature-invalid")


def point(data, code="discovery-point-invalid"):
    found = ristretto.decode(data)
    require(found is not None, code)
    return found


def dealing(data, dealer, key=None):
    body = verify_signed("dealing", data, dealer)
    current_key(data, dealer)
    found = read("Dealing", body)
    trustees, commitments = found["trustees"], found["commitments"]
    whole = len(trustees) == len(set(trustees)) == 3 and len(commitments) == 2 and len(found["sealed"]) == 3
    require(whole, WRONG)
    place = place_of(dealer["id"], trustees)
    value = [point(one, WRONG) for one in commitments][0]
    dst = label("discovery-possession")
    shown = ristretto.encode(ristretto.hash_to_point(binding(found, dealer["id"]) + b"".join(commitments), dst))
    evaluated, proof = found["possession"]["evaluated"], found["possession"]["proof"]
    require(ristretto.proof_holds(evaluated, proof, shown, commitments[0]), WRONG)
    require(found["generation"] == (0 if key is None else key["generation"] + 1), WRONG)
    if key is not None:
        require(key["trustees"] == trustees, WRONG)
        share = point(key["publicShares"][place - 1])
        require(ristretto.equal(value, ristretto.times(ristretto.lagrange(place, PLACES), share)), WRONG)
    return statement_id(data)


def value_at(found, place):
    value, slope = map(point, found["commitments"])
    return ristretto.add(value, ristretto.times(place, slope))


def open_value(dealer, found, identity):
    place = place_of(identity["id"], found["trustees"])
    sealed = found["sealed"][place - 1]
    info = label("discovery-dealing") + binding(found, dealer) + bytes([place])
    try:
        scalar = int.from_bytes(hpke_open(identity["seeds"], sealed["enc"], info, sealed["share"]), "little")
    except Refused:
        raise Refused(WRONG) from None
    held = 0 < scalar < ristretto.L
    require(held and ristretto.equal(ristretto.times(scalar, ristretto.BASE), value_at(found, place)), WRONG)
    return scalar


def share_of_dealings(dealings, identity):
    """Of dealings that were verified before."""
    read_before = []
    for data in dealings:
        signed = signed_of("dealing", data)
        read_before.append((signed["signer"], decode(STRUCTS["Dealing"], signed["body"])))
    require(len(read_before) == 3, "discovery-insufficient")
    trustees = read_before[0][1]["trustees"]
    ordered = sorted(read_before, key=lambda one: place_of(one[0], trustees))
    name = binding(ordered[0][1], b"")
    for place, (dealer, found) in enumerate(ordered):
        require(binding(found, b"") == name and place_of(dealer, trustees) == place + 1, WRONG)
    secret = sum(open_value(dealer, found, identity) for dealer, found in ordered) % ristretto.L
    public = ristretto.encode(ristretto.times(secret, ristretto.BASE))
    return {"secret": secret.to_bytes(32, "little"), "publicShare": public}


def discovery_key(signed, trustees):
    code = "discovery-key-invalid"
    bodies = {}
    for trustee in trustees:
        own = [one for one in signed if signed_of("discovery-key", one)["signer"] == trustee["id"]]
        require(own != [], code)
        bodies[trustee["id"]] = verify_signed("discovery-key", own[0], trustee)
    require(len(bodies) == 3 and len(set(bodies.values())) == 1, code)
    key = read("DiscoveryKey", next(iter(bodies.values())))
    require(set(key["trustees"]) == set(bodies) and len(key["trustees"]) == len(key["publicShares"]) == 3, code)
    public, shares = point(key["publicKey"]), [point(one) for one in key["publicShares"]]
    for one, other in ((1, 2), (1, 3), (2, 3)):
        parts = [ristretto.times(ristretto.lagrange(place, (one, other)), shares[place - 1]) for place in (one, other)]
        require(ristretto.equal(ristretto.add(*parts), public), code)
    return key
