"""Leaves of the log and receipts: spec/format.md, RFC 6962 and the C2SP formats, with no code of the first reader."""

import base64
import hashlib
import re

from cbor import decode
from primitives import hash_of, verify
from statements import STRUCTS
from verify import ZERO32, require, statement_id

MAX_SAFE = 2**53 - 1
HEADER = "c2sp.org/tlog-proof@v1"


# Of a control leaf's statement, the field that says whom it is about.
LABELLED = {
    "successor": ("Successor", "index"),
}


def sha256(data):
    return hashlib.sha256(data).digest()


def cbor_hashes(*hashes):
    """A map from 0, 1… to byte strings of 32 bytes, in deterministic CBOR."""
    return bytes([0xA0 + len(hashes)]) + b"".join(bytes([key, 0x58, 32]) + one for key, one in enumerate(hashes))


def subject(signed):
    """Whom a control leaf is about; None for the leaf of any other statement."""
    found = decode(STRUCTS["Signed"], signed)
    if found["kind"] == "key-record":
        return statement_id(signed) if found["signer"] == ZERO32 else found["signer"]
    if found["kind"] == "revocation":
        return decode(STRUCTS["Revocation"], found["body"])["grant"]
    if found["kind"] == "manifest":
        manifest = decode(STRUCTS["Manifest"], found["body"])
        return manifest["vault"] if manifest["version"] > 1 else None
    if found["kind"] in LABELLED:
        struct, field = LABELLED[found["kind"]]
        return decode(STRUCTS[struct], found["body"])[field]
    return None


def label(signed):
    """The label of a statement's leaf; None where it has none."""
    found = decode(STRUCTS["Signed"], signed)
    if found["kind"] == "notice":
        return hash_of("log-notice-subject", decode(STRUCTS["Notice"], found["body"])["subject"])
    if found["kind"] == "sign-out":
        principal = decode(STRUCTS["SignOut"], found["body"])["principal"]
        return hash_of("log-notice-subject", hash_of("log-subject", principal))
    if found["kind"] == "software":
        return hash_of("log-software-subject", found["signer"])
    about = subject(signed)
    return None if about is None else hash_of("log-subject", about)


def entry(signed, salt):
    found = label(signed)
    commitment = hash_of("log-commitment", salt, statement_id(signed))
    return cbor_hashes(commitment) if found is None else cbor_hashes(commitment, found)


def text_of(data, code):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        require(False, code)


def octets_of(text, code):
    """Base64 of RFC 4648 section 4, in its one form."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = None
    require(data is not None and base64.b64encode(data).decode() == text, code)
    return data


def number_of(text, code):
    require(re.fullmatch(r"0|[1-9][0-9]{0,15}", text) is not None and int(text) <= MAX_SAFE, code)
    return int(text)


def proof(data):
    code = "proof-malformed"
    head, gap, checkpoint = text_of(data, code).partition("\n\n")
    lines = head.split("\n")
    require(gap != "" and lines[0] == HEADER and len(lines) > 1, code)
    del lines[0]
    extra = octets_of(lines.pop(0)[6:], code) if lines[0].startswith("extra ") else None
    require(lines != [] and lines[0].startswith("index ") and len(lines) <= 64, code)
    hashes = [octets_of(line, code) for line in lines[1:]]
    require(all(len(one) == 32 for one in hashes), code)
    return extra, number_of(lines[0][6:], code), hashes, checkpoint


def note(text):
    """Text and signature lines: (name, key id, signature)."""
    code = "note-malformed"
    signed, gap, rest = text.rpartition("\n\n")
    require(gap != "" and rest.endswith("\n"), code)
    require(all(char >= " " or char == "\n" for char in text), code)
    lines = []
    for line in rest[:-1].split("\n"):
        parts = line.split(" ")
        require(len(parts) == 3 and parts[0] == "\u2014" and parts[1] != "", code)
        require("+" not in parts[1] and not any(char.isspace() for char in parts[1]), code)
        data = octets_of(parts[2], code)
        require(len(data) >= 5, code)
        lines.append((parts[1], data[:4], data[4:]))
    return signed + "\n", lines


def checkpoint_of(text):
    code = "checkpoint-malformed"
    lines = text[:-1].split("\n")
    require(len(lines) >= 3 and all(line != "" for line in lines), code)
    root = octets_of(lines[2], code)
    require(len(root) == 32, code)
    return lines[0], number_of(lines[1], code), root


def held(text, lines, name, kind, keys):
    """Of the keys of that name those that signed, each with its time; a line that is none of theirs is ignored."""
    found = []
    by_id = {}
    for key in keys:
        by_id.setdefault(sha256(f"{name}\n".encode() + bytes([kind]) + key)[:4], []).append(key)
    for line_name, key_id, signature in lines:
        if line_name != name or key_id not in by_id:
            continue
        message, time, bare = text.encode(), None, signature
        if kind == 4:
            time, bare = int.from_bytes(signature[:8], "big"), signature[8:]
            message = f"cosignature/v1\ntime {time}\n{text}".encode()
        good = len(bare) == 64 and (time is None or time <= MAX_SAFE)
        holds = [key for key in by_id.pop(key_id) if good and verify(key, message, bare)]
        require(holds != [], "signature-invalid")
        found += [(key, time) for key in holds]
    return found


def root_of(leaf, place, size, path):
    """RFC 9162 section 2.1.3.2, which is the tree of RFC 6962."""
    code = "inclusion-invalid"
    require(place < size, code)
    first, last, node = place, size - 1, leaf
    for sibling in path:
        require(last != 0, code)
        if first & 1 or first == last:
            node = sha256(b"\1" + sibling + node)
            while not first & 1 and first != 0:
                first, last = first >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + sibling)
        first, last = first >> 1, last >> 1
    require(last == 0, code)
    return node


def signing_keys(principal):
    return [record["signingKey"] for record in principal["records"]]


def receipt(data, signed, index, trustees, quorum, required, generation):
    salt, place, path, written = proof(data)
    require(salt is not None and len(salt) == 16, "proof-malformed")
    leaf = sha256(b"\0" + entry(signed, salt))
    text, lines = note(written)
    origin, size, root = checkpoint_of(text)
    expected = f"scelle.health/index/{index['id'].hex()}" + ("" if generation == 1 else f"/{generation}")
    require(origin == expected, "origin-unknown")
    require(held(text, lines, expected, 1, signing_keys(index)) != [], "checkpoint-unsigned")
    cosigned, under = {}, set()
    for trustee in trustees:
        name = f"scelle.health/trustee/{trustee['id'].hex()}"
        found = held(text, lines, name, 4, signing_keys(trustee))
        if found:
            key, cosigned[name] = max(found, key=lambda one: one[1])
            under.add(key)
    enough = min(len(cosigned), len(under)) >= quorum
    needed = required is None or f"scelle.health/trustee/{required.hex()}" in cosigned
    require(enough and needed, "cosignatures-insufficient")
    require(root_of(leaf, place, size, path) == root, "inclusion-invalid")
    return {"leaf": place, "size": size, "root": root, "cosigned": cosigned}
