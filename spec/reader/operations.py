"""The operations of the vectors: the other half of spec/vectors/operations.ts."""

import assertion
import cards
import discovery
import log
import opening
import primitives
import recovery
import ristretto
import sessions
import verify
from cbor import decode
from statements import STRUCTS


def unhex(value):
    return bytes.fromhex(value)


def unhexes(values):
    return [bytes.fromhex(value) for value in values]


def plain(value):
    """Bytes as hex, the rest as it is."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return value


def keys(chain):
    return verify.key_chain(unhexes(chain))


def keys_by_id(chains):
    found = [keys(chain) for chain in chains]
    return {one["id"]: one for one in found}


def by_id(encapsulations):
    return {opening.encapsulation_id(data): data for data in unhexes(encapsulations)}


def identity(stored):
    return opening.identity(unhex(stored))


def secrets_of(values):
    return [
        {name: unhex(one[name]) if name in ("category", "secret") else one[name] for name in one} for one in values
    ]


def mutated(body, change):
    copy = bytearray(body[: change.get("truncate", len(body))])
    if "flip" in change:
        copy[change["flip"]] ^= 1
    if "append" in change:
        copy += unhex(change["append"])
    if "swap" in change:
        first, second = (56 + place * 16400 for place in change["swap"])
        copy[first : first + 16400], copy[second : second + 16400] = (
            copy[second : second + 16400],
            copy[first : first + 16400],
        )
    return bytes(copy)


def op_manifests(versions, genesis, controller, custodian, known=None):
    vault, found = verify.vault_genesis(unhex(genesis), keys(controller))
    seen = None if known is None else (known["version"], unhex(known["id"]))
    return verify.manifests(unhexes(versions), vault, found, keys(custodian), seen)[1]


def op_earlier_secrets(manifests, secrets, asked):
    held = opening.earlier_secrets(
        [decode(STRUCTS["Manifest"], data) for data in unhexes(manifests)], secrets_of(secrets)
    )
    return [held.get((unhex(one["category"]), one["epoch"])) for one in asked]


def op_grant_chain(chain, vault, custodian, keys, at, reader, categories, rights, purpose=None, revoked=()):
    _, ids = verify.grant_chain(
        unhexes(chain),
        unhex(vault),
        unhex(custodian),
        keys_by_id(keys),
        at,
        unhex(reader),
        unhexes(categories),
        rights,
        purpose,
        unhexes(revoked),
    )
    return ids


def op_open_grant_keys(keys, grant, grantId, identity, manifest):
    return opening.open_grant_keys(
        decode(STRUCTS["GrantKeys"], unhex(keys)),
        decode(STRUCTS["Grant"], unhex(grant)),
        unhex(grantId),
        opening.identity(unhex(identity)),
        decode(STRUCTS["Manifest"], unhex(manifest)),
    )


def op_revocation(signed, revoker, grants, ids):
    chain = [decode(STRUCTS["Grant"], data) for data in unhexes(grants)]
    return verify.revocation(unhex(signed), keys(revoker), chain, unhexes(ids))["grant"]


def op_commit_path(signed, author, leaf, place, path):
    verify.verify_path(unhex(leaf), place, unhexes(path), verify.commit(unhex(signed), keys(author)))
    return place


def op_share(header, seal, index, encapsulation, identity):
    courier = opening.open_courier(unhex(encapsulation), opening.identity(unhex(identity)))
    named = {name: unhex(value) for name, value in seal.items()}
    return opening.open_share(unhex(header), named, index, courier)


def answers_of(values):
    return [
        {name: unhexes(value) if name == "sealed" else unhex(value) for name, value in one.items()} for one in values
    ]


def op_release(answers, access, oneTimeSecret, headers, genesis):
    found = decode(STRUCTS["VaultGenesis"], unhex(genesis))
    releases, refused = opening.open_release(
        answers_of(answers), unhex(access), unhex(oneTimeSecret), unhexes(headers), found
    )
    return {"releases": releases, "refused": refused}


def op_record(capsule, release, header, body, secret=None):
    key = opening.capsule_key(unhex(capsule), unhex(release), None if secret is None else unhex(secret))
    return {"capsuleKey": key, "content": opening.open_record(key, unhex(capsule), unhex(header), unhex(body))[1]}


def op_card(card, identity, at):
    found = cards.open_card(unhex(card), opening.identity(unhex(identity)), at)
    return {name: found[name] for name in ("id", "vault", "issuer", "summary")}


def op_receipt(receipt, signed, index, trustees, quorum, required=None, generation=1):
    return log.receipt(
        unhex(receipt),
        unhex(signed),
        keys(index),
        [keys(chain) for chain in trustees],
        quorum,
        None if required is None else unhex(required),
        generation,
    )


def op_cobblestone(key, context, body, change=None):
    return primitives.sha256(opening.open_body(unhex(key), unhex(context), mutated(unhex(body), change or {})))


def op_links(commits, vault, custodian, authors, identity, encapsulations):
    last, records, wrong = opening.check_links(
        unhexes(commits),
        unhex(vault),
        unhex(custodian),
        keys_by_id(authors),
        opening.identity(unhex(identity)),
        by_id(encapsulations),
    )
    return {
        "last": {author.hex(): commit_id for author, commit_id in last.items()},
        "records": {commit_id.hex(): count for commit_id, count in records.items()},
        "wrong": {author.hex(): code for author, code in wrong.items()},
    }


def op_key_chain(chain):
    found = keys(chain)
    newest = found["records"][-1]
    said = {name: newest[name] for name in ("passkeys", "flowOnly") if name in newest}
    return {"id": found["id"], "kind": found["kind"], "version": newest["version"], **said}


def acting(chain, session=None):
    person = keys(chain)
    if session is None:
        return person
    return sessions.acting(person, sessions.session(unhex(session["signed"]), person, keys(session["house"])))


def op_access(signed, reader, session=None, when="new"):
    verify.access(unhex(signed), acting(reader, session), when)
    return verify.statement_id(unhex(signed))


def op_commit(signed, author, session=None):
    verify.commit(unhex(signed), acting(author, session))
    return verify.statement_id(unhex(signed))


def op_acting(kind, signed, keys, when):
    found = sessions.acting_keys(verify.signed_of(kind, unhex(signed)), keys_by_id(keys), when)
    verify.verify_signed(kind, unhex(signed), found)
    return {"id": verify.statement_id(unhex(signed)), "session": found["session"]["id"] if "session" in found else None}


def op_software(signed, publisher):
    sessions.software(unhex(signed), keys(publisher))
    return verify.statement_id(unhex(signed))


def op_session(signed, person, house, live=None, when="new"):
    known = sessions.session(unhex(signed), keys(person), keys(house), when)
    if live is not None:
        sessions.require_live(known, unhex(live["audience"]), live["now"], live["skew"])
    return known


def op_sign_out(signed, person, of, session=None):
    found = sessions.sign_out(unhex(signed), acting(person, session))
    asked = [(unhex(one["principal"]), unhex(one["id"]), one["notBefore"]) for one in of]
    return {"id": verify.statement_id(unhex(signed)), "ends": [sessions.ends(found, *one) for one in asked]}


def op_feed_head(commits):
    head = verify.ZERO32
    for commit_id in unhexes(commits):
        head = primitives.hash_of("feed-head", head, commit_id)
    return head


def op_dealing(signed, dealer, key=None):
    known = None if key is None else decode(STRUCTS["DiscoveryKey"], unhex(key))
    return discovery.dealing(unhex(signed), keys(dealer), known)


def given(enc, sealed, case, trustee, identity):
    found = {"enc": unhex(enc), "sealed": unhex(sealed)}
    return recovery.given_part(found, unhex(case), unhex(trustee), opening.identity(unhex(identity)))


def op_root_by_guardians(wrap, shares, parts):
    found = recovery.wrap_of(unhex(wrap))
    given = [[(unhex(one["by"]), unhex(one["share"])) for one in several] for several in (shares, parts)]
    return recovery.root_by_guardians(found, *given)


OPERATIONS = {
    "pairwise": lambda root, organisation: recovery.pairwise(unhex(root), unhex(organisation)),
    "wrap": lambda stored, secret: recovery.open_wrap(unhex(stored), unhex(secret)),
    "recovery-part": lambda set, enc, sealed, identity: recovery.open_part(
        unhex(set), {"enc": unhex(enc), "sealed": unhex(sealed)}, opening.identity(unhex(identity))
    ),
    "recovery-given": lambda enc, sealed, recovery, trustee, identity: given(enc, sealed, recovery, trustee, identity),
    "recovery": lambda signed, set, keys: recovery.recovery(unhexes(signed), unhex(set), keys_by_id(keys)),
    "root-by-guardians": op_root_by_guardians,
    "spoken-code": lambda ask: recovery.spoken_code(unhex(ask)),
    "pin-share": lambda set, enc, sealed, identity: recovery.pin_share(
        unhex(set), {"enc": unhex(enc), "sealed": unhex(sealed)}, opening.identity(unhex(identity))
    ),
    "root-by-pin": lambda wrap, pin, device, places, scalars: recovery.root_by_pin(
        recovery.wrap_of(unhex(wrap)), pin, unhex(device), places, unhexes(scalars)
    ),
    "decode": lambda struct, bytes: decode(STRUCTS[struct], unhex(bytes)),
    "padme": lambda length: opening.padme(length),
    "handle": lambda key, type, id: primitives.hmac256(
        unhex(key), primitives.label("resource-handle") + f"{type}/{id}".encode()
    )[:16],
    "feed-head": op_feed_head,
    "key-chain": op_key_chain,
    "vault-genesis": lambda signed, controller: verify.vault_genesis(unhex(signed), keys(controller))[0],
    "manifests": op_manifests,
    "open-manifest": lambda manifest, identity: opening.open_manifest(
        decode(STRUCTS["Manifest"], unhex(manifest)), opening.identity(unhex(identity))
    ),
    "earlier-secrets": op_earlier_secrets,
    "grant-chain": op_grant_chain,
    "open-grant-keys": op_open_grant_keys,
    "access": op_access,
    "challenge": lambda kind, signer, keyVersion, body: assertion.challenge(
        verify.signature_input(kind, unhex(signer), keyVersion, unhex(body))
    ),
    "session": op_session,
    "sign-out": op_sign_out,
    "commit": op_commit,
    "acting": op_acting,
    "software": op_software,
    "revocation": op_revocation,
    "commit-path": op_commit_path,
    "share": op_share,
    "owner-release": lambda capsule, encapsulations, identity: opening.owner_release(
        unhex(capsule), opening.identity(unhex(identity)), by_id(encapsulations)
    ),
    "release": op_release,
    "record": op_record,
    "statement": lambda kind, signed, signer, session=None: verify.statement(
        kind, unhex(signed), acting(signer, session)
    ),
    "link": lambda link, geneses, keys: verify.link(unhexes(link), unhexes(geneses), keys_by_id(keys)),
    "dealing": op_dealing,
    "discovery-key": lambda signed, trustees: discovery.discovery_key(
        unhexes(signed), [keys(chain) for chain in trustees]
    ),
    "share-of-dealings": lambda dealings, identity: discovery.share_of_dealings(
        unhexes(dealings), opening.identity(unhex(identity))
    ),
    "evaluation": lambda evaluated, proof, blinded, publicShare: ristretto.proof_holds(
        unhex(evaluated), unhex(proof), unhex(blinded), unhex(publicShare)
    ),
    "pseudonym": lambda output: primitives.hash_of("pseudonym", unhex(output)),
    "charge": lambda charge, access, identity: opening.open_charge(
        unhex(charge), unhex(access), opening.identity(unhex(identity))
    ),
    "log-entry": lambda signed, salt: log.entry(unhex(signed), unhex(salt)),
    "card": op_card,
    "receipt": op_receipt,
    "cobblestone": op_cobblestone,
    "links": op_links,
}
