"""Sessions: whose, of which house, until when, and how they end."""

from verify import read, require, require_current_key, signed_of, statement_id, verify_signed

LONGEST = 10 * 3600


def good_passkey(signed, person, when):
    """The one that signed; of a new session, if the newest record still has it as it was."""
    credential = signed["assertion"]["credential"]
    used = [one for one in person["records"][signed["keyVersion"]]["passkeys"] if one["credential"] == credential]
    require(when == "listed" or used[0] in person["records"][-1].get("passkeys", []), "session-invalid")
    return used[0]


def session(data, person, house, when="new"):
    body = verify_signed("session", data, person)
    passkey = good_passkey(signed_of("session", data), person, when)
    request = read("Session", body)["request"]
    wish_body = verify_signed("session-request", request, house)
    if when == "new":
        require_current_key(signed_of("session-request", request), house)
    wish = read("SessionRequest", wish_body)
    require(house["kind"] in ("organisation", "vendor") and wish["principal"] == person["id"], "session-invalid")
    require(wish["notBefore"] < wish["expires"] <= wish["notBefore"] + LONGEST, "session-invalid")
    named = {name: wish[name] for name in ("audience", "key", "device", "purposes", "notBefore", "expires")}
    return {
        **named,
        "id": statement_id(data),
        "principal": person["id"],
        "house": house["id"],
        "credential": passkey["credential"],
        "deviceBound": passkey["deviceBound"],
    }


def require_live(known, audience, now, skew):
    require(known["audience"] == audience, "session-invalid")
    require(known["notBefore"] - skew <= now < known["expires"], "session-expired")


def acting(person, known):
    """The person's keys with the session in which statements may be signed."""
    require(person["id"] == known["principal"], "session-invalid")
    return {**person, "session": known}


def acting_keys(signed, keys_of, when):
    """The signer's keys, in the session that the statement carries."""
    require(signed["signer"] in keys_of, "principal-mismatch")
    person = keys_of[signed["signer"]]
    if "session" not in signed:
        return person
    request = read("Session", signed_of("session", signed["session"])["body"])["request"]
    house = signed_of("session-request", request)["signer"]
    require(house in keys_of, "principal-mismatch")
    return acting(person, session(signed["session"], person, keys_of[house], when))


def software(data, publisher):
    found = read("Software", verify_signed("software", data, publisher))
    paths = [one["path"] for one in found["files"]]
    require(paths and len(set(paths)) == len(paths), "encoding-out-of-range")


def sign_out(data, person):
    found = read("SignOut", verify_signed("sign-out", data, person))
    require(found["principal"] == person["id"], "principal-mismatch")
    return found


def ends(found, principal, id, notBefore):
    if found["principal"] != principal:
        return False
    return found["session"] == id if "session" in found else notBefore < found["before"]
