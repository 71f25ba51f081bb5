"""What opens: manifests, grants, couriers, shares, releases, capsules, records; and the links of commits."""

import hashlib
import pathlib
import zlib

import primitives
from cbor import Refused, decode
from primitives import aead_open, hash_of, hkdf, label, sha256, u32
from statements import STRUCTS
from verify import ZERO32, commit, read, require, signed_of, statement_id

NONCE0 = bytes(12)
SHARE, OWNER, LINK = 0, 1, 2
CHUNK, TAG, PREFIX = 16384, 16, 56
SEALED_CHUNK = CHUNK + TAG
PLAINTEXT_LIMIT = 64 * 1024 * 1024
INFLATE_FACTOR = 128
DICTIONARY = (pathlib.Path(__file__).parent.parent / "dictionary" / "fhir-v1.bin").read_bytes()


def identity(stored):
    """A test identity: its id and its sealing seeds by key version."""
    value = decode(STRUCTS["StoredIdentity"], stored)
    return {
        "id": statement_id(value["chain"][0]),
        "seeds": [one["sealing"] for one in value["secrets"]],
        "chain": value["chain"],
    }


def category_entry(manifest, category):
    for entry in manifest["categories"]:
        if entry["category"] == category:
            return entry
    raise Refused("category-unknown")


def require_category_key(entry, secret):
    require(primitives.xwing_public(secret) == entry["publicKey"], "category-key-mismatch")


def open_manifest(manifest, custodian):
    require(manifest["custodian"] == custodian["id"], "principal-mismatch")
    info = label("manifest-seal") + manifest["vault"] + custodian["id"] + u32(manifest["version"])
    plaintext = primitives.hpke_open(custodian["seeds"], manifest["enc"], info, manifest["sealed"])
    secrets = decode(STRUCTS["CategorySecrets"], plaintext)
    for one in secrets:
        entry = category_entry(manifest, one["category"])
        require("secret" in one and one["epoch"] == entry["epoch"], "category-key-mismatch")
        require_category_key(entry, one["secret"])
    require(len(secrets) == len(manifest["categories"]), "manifest-invalid")
    return secrets


def earlier_secrets(manifests, secrets):
    """Secrets by (category, epoch), from those held down to epoch 0."""
    held = {}
    for one in secrets:
        if "secret" not in one or not manifests:
            continue
        category, secret = one["category"], one["secret"]
        entries = {e["epoch"]: e for m in manifests for e in m["categories"] if e["category"] == category}
        for epoch in range(one["epoch"], -1, -1):
            require(epoch in entries, "category-unknown")
            entry = entries[epoch]
            require_category_key(entry, secret)
            held[(category, epoch)] = secret
            if epoch == 0:
                break
            info = label("epoch-wrap") + manifests[0]["vault"] + category + u32(epoch)
            secret = aead_open(hkdf(secret, b"", info), NONCE0, entry["previous"]) if "previous" in entry else None
            require(secret is not None, "category-key-mismatch")
    return held


def open_grant_keys(keys, grant, grant_id, grantee, manifest):
    fits = (
        keys["grant"] == grant_id
        and keys["vault"] == grant["vault"] == manifest["vault"]
        and manifest["custodian"] == grant["custodian"]
        and manifest["version"] == keys["manifestVersion"]
    )
    require(fits, "grant-seal-invalid")
    info = label("grant-seal") + grant_id + u32(keys["manifestVersion"])
    try:
        secrets = decode(
            STRUCTS["CategorySecrets"], primitives.hpke_open(grantee["seeds"], keys["enc"], info, keys["sealed"])
        )
    except Refused:
        raise Refused("grant-seal-invalid") from None
    for one in secrets:
        entry = category_entry(manifest, one["category"])
        require(one["category"] in grant["categories"] and one["epoch"] == entry["epoch"], "grant-seal-invalid")
        if "secret" in one:
            require_category_key(entry, one["secret"])
    return secrets


def encapsulation_id(data):
    return hash_of("encapsulation-id", data)


def open_courier(data, holder):
    found = read("Encapsulation", data)
    require(found["recipient"] == holder["id"], "principal-mismatch")
    require(found["recipientKeyVersion"] < len(holder["seeds"]), "seal-invalid")
    info = label("courier-secret") + found["writer"] + holder["id"] + u32(found["day"])
    secret = primitives.hpke_export(holder["seeds"][found["recipientKeyVersion"]], found["enc"], info)
    return {"id": encapsulation_id(data), "writer": found["writer"], "recipient": holder["id"], "secret": secret}


def courier_open(courier, role, binding, sealed):
    key = hkdf(courier["secret"], binding, label("courier-seal") + courier["recipient"] + bytes([role]))
    opened = aead_open(key, NONCE0, sealed, binding)
    require(opened is not None, "seal-invalid")
    return opened


def header_hash(header):
    return hash_of("capsule-header", header)


def capsule_header(data):
    header = read("CapsuleHeader", data)
    require(len(header["shareCommitments"]) == 3, "capsule-mismatch")
    return header


def share_holds(header, index, share):
    if index >= 3 or len(share) != 33:
        return False
    return hash_of("share-commitment", header["capsule"], bytes([index]), share) == header["shareCommitments"][index]


def open_share(header_bytes, seal, index, courier):
    header = capsule_header(header_bytes)
    require(seal["encapsulation"] == courier["id"], "capsule-mismatch")
    require(courier["writer"] == header["writer"], "capsule-mismatch")
    share = courier_open(courier, SHARE, header_hash(header_bytes), seal["sealed"])
    require(share_holds(header, index, share), "share-invalid")
    return share


def is_release(header, release):
    return hash_of("release-commitment", header["capsule"], release) == header["releaseCommitment"]


def owner_release(capsule_bytes, owner, encapsulations):
    capsule = decode(STRUCTS["Capsule"], capsule_bytes)
    header = capsule_header(capsule["header"])
    require(len(capsule["shares"]) == 3, "capsule-mismatch")
    found = encapsulations.get(capsule["owner"]["encapsulation"]) if "owner" in capsule else None
    require(found is not None, "seal-invalid")
    courier = open_courier(found, owner)
    require(courier["writer"] == header["writer"], "capsule-mismatch")
    release = courier_open(courier, OWNER, header_hash(capsule["header"]), capsule["owner"]["sealed"])
    require(is_release(header, release), "release-mismatch")
    return release


def shares_of(answer, access, secret, headers, genesis):
    require(answer["trustee"] in genesis["trustees"], "share-invalid")
    index = genesis["trustees"].index(answer["trustee"])
    require(answer["access"] == access and len(answer["sealed"]) == len(headers), "share-invalid")
    info = label("release-seal") + access + answer["trustee"]
    exported = primitives.hpke_export(secret, answer["enc"], info)
    shares = []
    for data, sealed in zip(headers, answer["sealed"]):
        place = header_hash(data)
        share = aead_open(hkdf(exported, place, info), NONCE0, sealed, place)
        require(share is not None and share_holds(capsule_header(data), index, share), "share-invalid")
        shares.append(share)
    return index, shares


def open_release(answers, access, secret, headers, genesis):
    """Release secrets in the headers' order, and the trustees whose answers were bad."""
    good, refused = {}, []
    for answer in answers:
        try:
            index, shares = shares_of(answer, access, secret, headers, genesis)
            good[index] = shares
        except Refused as error:
            refused.append((answer["trustee"], error.code))
    if len(good) < 2:
        raise Refused(refused[0][1] if refused else "shares-insufficient")
    one, other = list(good.values())[:2]
    releases = []
    for place, data in enumerate(headers):
        release = primitives.combine(one[place], other[place])
        require(release is not None and is_release(capsule_header(data), release), "shares-disagree")
        releases.append(release)
    return releases, [trustee for trustee, _ in refused]


def capsule_key(header_bytes, release, secret):
    header = capsule_header(header_bytes)
    require(is_release(header, release), "release-mismatch")
    require(secret is not None, "category-unknown")
    info = label("category-encapsulation") + header["vault"] + header["category"] + u32(header["epoch"])
    shared = primitives.hpke_export(secret, header["enc"], info)
    return hkdf(shared, release, label("capsule-key") + header_hash(header_bytes))


def open_body(key, context, body):
    """C2SP chunked-encryption, Cobblestone-256."""
    rest = len(body) - PREFIX
    require(rest >= TAG and rest % SEALED_CHUNK >= TAG, "record-truncated")
    salt, commitment = body[:24], body[24:PREFIX]
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context
    derived = primitives.expand(key, info, 76, hashlib.sha512)
    require(derived[44:76] == commitment, "record-tampered")
    base = int.from_bytes(derived[32:44], "big")
    plaintext = b""
    for number, start in enumerate(range(PREFIX, len(body), SEALED_CHUNK)):
        piece = aead_open(derived[:32], (base ^ number).to_bytes(12, "big"), body[start : start + SEALED_CHUNK])
        require(piece is not None, "record-tampered")
        plaintext += piece
    return plaintext


def padme(length):
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    step = 1 << max(0, exponent - exponent.bit_length())
    return -(-length // step) * step


def dictionary_of(number):
    require(number <= 1, "dictionary-unknown")
    return (DICTIONARY, sha256(DICTIONARY)) if number == 1 else (b"", ZERO32)


def inflate(packed, dictionary):
    most = min(PLAINTEXT_LIMIT, len(packed) * INFLATE_FACTOR)
    stream = zlib.decompressobj(-15, zdict=dictionary) if dictionary else zlib.decompressobj(-15)
    try:
        plain = stream.decompress(packed, most + 1)
    except zlib.error:
        raise Refused("record-mismatch") from None
    require(len(plain) <= most, "record-too-large")
    require(stream.eof, "record-mismatch")
    return plain


def unpack_content(header, whole):
    length = int.from_bytes(whole[:4], "big") if len(whole) >= 4 else len(whole)
    require(4 + length <= len(whole) and padme(4 + length) == len(whole), "padding-invalid")
    require(not any(whole[4 + length :]), "padding-invalid")
    packed = whole[4 : 4 + length]
    if header["contentType"] == "fhir+json":
        return inflate(packed, dictionary_of(header["dictionary"])[0])
    require(header["dictionary"] == 0, "record-mismatch")
    require(header["contentType"] == "octets" or length == 0, "record-mismatch")
    return packed


def open_record(key, capsule_bytes, header_bytes, body):
    header = read("RecordHeader", header_bytes)
    require(header["capsule"] == capsule_header(capsule_bytes)["capsule"], "record-mismatch")
    context = (
        label("record-context") + header_hash(capsule_bytes) + dictionary_of(header["dictionary"])[1] + header_bytes
    )
    return header, unpack_content(header, open_body(key, context, body))


def commit_link(blind, previous):
    return hash_of("commit-link", blind, previous)


def open_link(found, holder, encapsulations):
    """The blind of a commit's link, and how many records its author says that the commit has."""
    data = encapsulations.get(found["linkSeal"]["encapsulation"])
    require(data is not None, "commit-link-broken")
    courier = open_courier(data, holder)
    require(courier["writer"] == found["author"], "commit-link-broken")
    opened = courier_open(courier, LINK, found["root"], found["linkSeal"]["sealed"])
    require(len(opened) == 36, "commit-link-broken")
    return opened[:32], int.from_bytes(opened[32:], "big")


def check_links(commits, vault, custodian, authors, holder, encapsulations):
    """The last commit of each author, the records of each commit, and what is wrong with single authors' commits."""
    verified = []
    for data in commits:
        signer = signed_of("commit", data)["signer"]
        require(signer in authors, "principal-mismatch")
        found = commit(data, authors[signer])
        require(found["vault"] == vault and found["custodian"] == custodian, "vault-mismatch")
        verified.append((found, statement_id(data)))
    ids = [commit_id for _, commit_id in verified]
    require(len(set(ids)) == len(ids), "feed-replayed")
    last, records, wrong = {}, {}, {}
    for found, commit_id in verified:
        author = found["author"]
        try:
            blind, records[commit_id] = open_link(found, holder, encapsulations)
            if found["link"] != commit_link(blind, last.get(author, ZERO32)):
                elsewhere = any(found["link"] == commit_link(blind, other) for other in [ZERO32] + ids)
                raise Refused("feed-reordered" if elsewhere else "feed-withheld")
        except Refused as refused:
            wrong.setdefault(author, refused.code)
        last[author] = commit_id
    return last, records, wrong


def open_charge(sealed, access, owner):
    """What a trustee charged, in its word about that access: sealed under its first key by itself, for itself."""
    key = hkdf(owner["seeds"][0], b"", (primitives.PREFIX + "meter-journal").encode())
    opened = aead_open(key, sealed[:12], sealed[12:], access) if len(sealed) >= 28 else None
    require(opened is not None, "seal-invalid")
    return decode(STRUCTS["JournalEntry"], opened)
