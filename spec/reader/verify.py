"""Signatures, key chains, vaults, manifests, grants, accesses, commits."""

import assertion
from cbor import Refused, decode
from primitives import hash_of, label, sha256, u32, verify
from statements import BODIES, KINDS, RIGHTS, STRUCTS

ZERO32 = bytes(32)


def require(condition, code):
    if not condition:
        raise Refused(code)


def read(name, data):
    value = decode(STRUCTS[name], data)
    require(not isinstance(value, dict) or value.get("suite", 1) == 1, "suite-unknown")
    return value


def statement_id(signed):
    return hash_of("statement-id", signed)


def signed_of(kind, data):
    signed = decode(STRUCTS["Signed"], data)
    require(signed["kind"] == kind, "signature-invalid")
    return signed


def signature_input(kind, signer, key_version, body):
    return label("signature") + bytes([KINDS.index(kind)]) + signer + u32(key_version) + body


def input_of(signed):
    return signature_input(signed["kind"], signed["signer"], signed["keyVersion"], signed["body"])


def require_signature(signed, key, bound=b""):
    require(verify(key, input_of(signed) + bound, signed["signature"]), "signature-invalid")


SESSION_KINDS = ("commit", "access", "fact", "report", "sign-out")


def session_key(signed, known):
    require(signed["kind"] in SESSION_KINDS, "signature-invalid")
    require(known is not None and known["id"] == statement_id(signed["session"]), "session-invalid")
    return known["key"]


def require_right_signature(signed, keys, record):
    """By a passkey of the record, in a session that is shown, or by the record's key."""
    require("assertion" not in signed or "session" not in signed, "signature-invalid")
    if "assertion" in signed:
        assertion.check(signed, record.get("passkeys", []), input_of(signed))
        return
    require(signed["kind"] != "session", "assertion-invalid")
    key = session_key(signed, keys.get("session")) if "session" in signed else record["signingKey"]
    bound = statement_id(signed["session"]) if "session" in signed else b""
    require_signature(signed, key, bound)


def stays(before, after):
    """What was said for good."""
    return before.get("flowOnly") is not True or after.get("flowOnly") is True


def require_passkeys(record):
    passkeys = record.get("passkeys", [])
    fits = all(len(one["publicKey"]) == (64 if one["algorithm"] == "ES256" else 32) for one in passkeys)
    once = len({one["credential"] for one in passkeys}) == len(passkeys)
    require(fits and once and (not passkeys or record["kind"] == "person"), "key-chain-broken")


def key_chain(chain):
    """A principal: id, kind and every key record."""
    require(0 < len(chain) <= 64, "key-chain-broken")
    principal = statement_id(chain[0])
    records = []
    for version, data in enumerate(chain):
        signed = signed_of("key-record", data)
        record = read("KeyRecord", signed["body"])
        require_passkeys(record)
        before = records[-1] if records else None
        previous = statement_id(chain[version - 1]) if version else None
        in_order = (
            record["version"] == version
            and signed["keyVersion"] == max(0, version - 1)
            and signed["signer"] == (principal if version else ZERO32)
            and record.get("previous") == previous
            and (before is None or (before["kind"] == record["kind"] and stays(before, record)))
            and "assertion" not in signed
            and "session" not in signed
        )
        require(in_order, "key-chain-broken")
        require_signature(signed, (before or record)["signingKey"])
        records.append(record)
    return {"id": principal, "kind": records[-1]["kind"], "records": records}


def verify_signed(kind, data, keys):
    signed = signed_of(kind, data)
    require(signed["signer"] == keys["id"], "principal-mismatch")
    require(signed["keyVersion"] < len(keys["records"]), "signature-invalid")
    require_right_signature(signed, keys, keys["records"][signed["keyVersion"]])
    return signed["body"]


def vault_genesis(data, controller):
    genesis = read("VaultGenesis", verify_signed("vault-genesis", data, controller))
    require(genesis["controller"] == controller["id"], "principal-mismatch")
    require(len(set(genesis["trustees"] + [genesis["controller"]])) == 4, "vault-mismatch")
    return statement_id(data), genesis


def grows(old, manifest):
    for entry in manifest["categories"]:
        if entry["category"] == old["category"]:
            same = entry["epoch"] == old["epoch"] and entry["publicKey"] == old["publicKey"]
            newer = entry["epoch"] == old["epoch"] + 1 and "previous" in entry
            return entry["strict"] == old["strict"] and (same or newer)
    return False


def manifests(versions, vault, genesis, custodian, known=None):
    if genesis["mode"] == "owner":
        require(genesis["controller"] == custodian["id"], "manifest-invalid")
    else:
        require(custodian["kind"] == "organisation", "manifest-invalid")
    found, ids, key_version = [], [], 0
    for place, data in enumerate(versions):
        manifest = read("Manifest", verify_signed("manifest", data, custodian))
        signed_under = signed_of("manifest", data)["keyVersion"]
        require(signed_under >= key_version, "manifest-invalid")
        key_version = signed_under
        follows = manifest["version"] == place + 1 and manifest.get("previous") == (ids[-1] if ids else None)
        require(
            follows and manifest["vault"] == vault and manifest["custodian"] == custodian["id"], "manifest-invalid"
        )
        names = [entry["category"] for entry in manifest["categories"]]
        require(len(set(names)) == len(names), "manifest-invalid")
        require(not found or all(grows(old, manifest) for old in found[-1]["categories"]), "manifest-invalid")
        found.append(manifest)
        ids.append(statement_id(data))
    if known is not None:
        version, known_id = known
        require(0 < version <= len(ids) and ids[version - 1] == known_id, "manifest-rolled-back")
    return found, ids


CARE = ("treatment", "emergency", "administration")


def basis_holds(grant):
    """Whether the legal basis carries what the grant gives."""
    purposes, standing = grant["purposes"], grant.get("standing") is True
    if grant["basis"] == "care-team":
        return standing and all(purpose in CARE for purpose in purposes)
    if grant["basis"] == "consent":
        return "legal" not in purposes
    if grant["basis"] == "legal-duty":
        rights = RIGHTS["read"] | RIGHTS["shareOn"]
        own = set(purposes) == {"legal"} and grant["rights"] & ~rights == 0
        return own and not standing and "ticket" not in grant
    if grant["basis"] == "vital-interest":
        rights = RIGHTS["read"] | RIGHTS["shareOn"]
        own = set(purposes) == {"emergency"} and grant["rights"] & ~rights == 0
        return own and not standing and "ticket" not in grant
    return False


def is_subset(child, parent, parent_id):
    budget = parent.get("patientsPerDay")
    strict = [one for one in parent.get("strict", []) if one in child["categories"]]
    return (
        child.get("parent") == parent_id
        and parent["rights"] & RIGHTS["shareOn"] != 0
        and all(category in parent["categories"] for category in child["categories"])
        and child["rights"] & ~parent["rights"] == 0
        and all(one in parent.get("summary", []) for one in child.get("summary", []))
        and all(purpose in parent["purposes"] for purpose in child["purposes"])
        and child["basis"] == parent["basis"]
        and child["notBefore"] >= parent["notBefore"]
        and child["expires"] <= parent["expires"]
        and child["depth"] < parent["depth"]
        and (budget is None or child.get("patientsPerDay", budget + 1) <= budget)
        and all(one in child.get("strict", []) for one in strict)
        and (parent.get("standing") is not True or child.get("standing") is True)
        and ("ticket" not in parent or child.get("ticket") == parent["ticket"])
    )


def grant_chain(chain, vault, custodian, keys_of, at, reader, categories, rights, purpose=None, revoked=()):
    require(len(chain) <= 8, "grant-chain-broken")
    grants, ids, signer = [], [], custodian
    for data in chain:
        require(signer in keys_of, "grant-chain-broken")
        grant = read("Grant", verify_signed("grant", data, keys_of[signer]))
        require(grant["vault"] == vault and grant["custodian"] == custodian, "grant-chain-broken")
        require(grant["notBefore"] <= at < grant["expires"], "grant-expired")
        grant_id = statement_id(data)
        require(grant_id not in revoked, "grant-revoked")
        if grants:
            require(is_subset(grant, grants[-1], ids[-1]), "grant-not-subset")
        else:
            require("parent" not in grant, "grant-chain-broken")
        require(basis_holds(grant), "grant-basis-invalid")
        grants.append(grant)
        ids.append(grant_id)
        signer = grant["grantee"]
    if not grants:
        require(reader == custodian, "grant-insufficient")
        return grants, ids
    last = grants[-1]
    covered = (
        last["grantee"] == reader
        and last["rights"] & rights == rights
        and all(category in last["categories"] for category in categories)
        and (purpose is None or purpose in last["purposes"])
    )
    require(covered, "grant-insufficient")
    return grants, ids


def revocation(data, revoker, grants, ids):
    found = read("Revocation", verify_signed("revocation", data, revoker))
    require(bool(ids) and found["grant"] == ids[-1], "grant-chain-broken")
    last = grants[-1]
    first = grants[0]["grantee"] if last["basis"] == "legal-duty" else last["custodian"]
    signers = [first] + [grant["grantee"] for grant in grants[:-1]]
    require(found["vault"] == grants[-1]["vault"] and revoker["id"] in signers, "grant-insufficient")
    return found


def require_current_key(signed, keys):
    """What is new is not under a key that was replaced; in a session, that is checked with the session."""
    require("session" in signed or signed["keyVersion"] == len(keys["records"]) - 1, "signature-invalid")


def access(data, reader, when="new"):
    body = verify_signed("access", data, reader)
    signed = signed_of("access", data)
    if when == "new":
        require_current_key(signed, reader)
    found = read("Access", body)
    require(found["reader"] == reader["id"], "principal-mismatch")
    session = statement_id(signed["session"]) if "session" in signed else None
    require(found.get("session") == session, "session-invalid")
    require(bool(found["capsules"]) and len(set(found["capsules"])) == len(found["capsules"]), "release-mismatch")
    return found


def commit(data, author):
    found = read("Commit", verify_signed("commit", data, author))
    require(found["author"] == author["id"], "principal-mismatch")
    return found


def verify_path(leaf, place, path, found):
    require(len(path) == found["depth"] and place < 2 ** found["depth"], "commit-proof-invalid")
    node = sha256(b"\0", leaf)
    for depth, sibling in enumerate(path):
        node = sha256(b"\1", sibling, node) if (place >> depth) & 1 else sha256(b"\1", node, sibling)
    require(node == found["root"], "commit-proof-invalid")


def record_leaf(header, digest):
    return hash_of("leaf-record", sha256(header), digest)


def capsule_leaf(capsule):
    return hash_of("leaf-capsule", sha256(capsule))


def statement(kind, data, signer):
    """Id and body of a statement that is read by itself: what it is good for is for trustees to decide."""
    body = verify_signed(kind, data, signer)
    return {"id": statement_id(data), "body": read(BODIES[kind], body)}


def genesis_of(data, vault, keys_of):
    signer = signed_of("vault-genesis", data)["signer"]
    require(signer in keys_of, "principal-mismatch")
    found_vault, genesis = vault_genesis(data, keys_of[signer])
    require(found_vault == vault, "vault-mismatch")
    return genesis["controller"]


def link(signed, geneses, keys_of):
    """Two vaults of one person: merged by both controllers, split by either."""
    signers = [signed_of("link", data)["signer"] for data in signed]
    require(all(signer in keys_of for signer in signers), "principal-mismatch")
    bodies = [verify_signed("link", data, keys_of[signer]) for data, signer in zip(signed, signers)]
    require(len(set(bodies)) == 1, "signature-invalid")
    found = read("Link", bodies[0])
    require(found["vault"] != found["other"] and len(geneses) > 1, "vault-mismatch")
    controllers = [genesis_of(data, found[which], keys_of) for data, which in zip(geneses, ("vault", "other"))]
    merges = found["action"] == "merge" and "previous" not in found and signers[0] == controllers[0]
    merges = merges and all(one in signers for one in controllers)
    splits = found["action"] == "split" and "previous" in found and any(one in signers for one in controllers)
    require(merges or splits, "principal-mismatch")
    return {"id": statement_id(signed[0]), "controllers": controllers}
