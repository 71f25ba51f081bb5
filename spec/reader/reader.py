#!/usr/bin/python3
"""
The second reader of format v1: written from spec/format.md and the standards it names, in another language than the
first, with Python's standard library and Debian's python3-cryptography. It opens the golden vault and all frozen
vectors, and refuses what must be refused, with the same codes.

    /usr/bin/python3 spec/reader/reader.py [--mlkem FOLDER_OF_WYCHEPROOF] [--p256 FOLDER_OF_WYCHEPROOF]
"""

import json
import pathlib
import sys

import mlkem
import opening
import p256
import primitives
import verify
from cbor import Refused, decode
from operations import OPERATIONS, answers_of, plain, unhex, unhexes
from statements import STRUCTS

SPEC = pathlib.Path(__file__).parent.parent


def unpack(value, values):
    if isinstance(value, str) and value.startswith("@"):
        return values[int(value[1:])]
    if isinstance(value, list):
        return [unpack(one, values) for one in value]
    if isinstance(value, dict):
        return {name: unpack(one, values) for name, one in value.items()}
    return value


def check_vector(vector):
    """None, or what went wrong."""
    try:
        out = plain(OPERATIONS[vector["op"]](**vector["in"]))
    except Refused as refused:
        expected = vector.get("refuse")
        return (
            None if refused.code == expected else f"refused with {refused.code}, expected {expected or 'an answer'}"
        )
    if "refuse" in vector:
        return f"accepted, expected {vector['refuse']}"
    return None if out == vector["out"] else f"gave {str(out)[:200]}"


def check_vectors(path):
    file = json.loads(path.read_text())
    wrong = 0
    for vector in file["vectors"]:
        problem = check_vector(unpack(vector, file["values"]))
        if problem is not None:
            wrong += 1
            print(f"WRONG {path.name}: {vector['name']}: {problem}")
    print(f"{path.name}: {len(file['vectors']) - wrong} of {len(file['vectors'])} vectors hold")
    return wrong


def open_records(golden, releases, held):
    """Content by record id of every record whose capsule's release secret is known."""
    contents = {}
    records = [record for commit in golden["commits"] for record in commit["records"]]
    for data in [unhex(one["capsule"]) for commit in golden["commits"] for one in commit["capsules"]]:
        header_bytes = decode(STRUCTS["Capsule"], data)["header"]
        header = opening.capsule_header(header_bytes)
        release = releases.get(opening.header_hash(header_bytes))
        if release is None:
            continue
        key = opening.capsule_key(header_bytes, release, held.get((header["category"], header["epoch"])))
        for record in records:
            if decode(STRUCTS["RecordHeader"], unhex(record["header"]))["capsule"] == header["capsule"]:
                found, content = opening.open_record(
                    key, header_bytes, unhex(record["header"]), unhex(record["body"])
                )
                contents[found["record"].hex()] = content.hex()
    return contents


def check_commits(golden, writer):
    for one in golden["commits"]:
        found = verify.commit(unhex(one["commit"]), writer)
        leaves = [unhex(one["leaves"][i : i + 64]) for i in range(0, len(one["leaves"]), 64)]
        level = [primitives.sha256(b"\0", leaf) for leaf in leaves]
        while len(level) > 1:
            level = [primitives.sha256(b"\1", level[i], level[i + 1]) for i in range(0, len(level), 2)]
        assert level[0] == found["root"], "a commit's leaves do not make its root"
        for record in one["records"]:
            assert primitives.sha256(unhex(record["body"])).hex() == record["digest"], "a body has another digest"
            assert leaves[record["place"]] == verify.record_leaf(
                unhex(record["header"]), unhex(record["digest"])
            ), "leaf"
        for capsule in one["capsules"]:
            assert leaves[capsule["place"]] == verify.capsule_leaf(unhex(capsule["capsule"])), "a capsule's leaf"


def owner_path(golden, people, manifests, encapsulations):
    held = opening.earlier_secrets(manifests, opening.open_manifest(manifests[-1], people["owner"]))
    releases = {}
    for data in [unhex(one["capsule"]) for commit in golden["commits"] for one in commit["capsules"]]:
        place = opening.header_hash(decode(STRUCTS["Capsule"], data)["header"])
        releases[place] = opening.owner_release(data, people["owner"], encapsulations)
    assert open_records(golden, releases, held) == golden["contents"], "the owner opens something else"


def trustee_path(golden, people, manifests, genesis, which):
    team = verify.key_chain(people["team"]["chain"])
    access = verify.access(unhex(golden["access"]["signed"]), team)
    access_id = verify.statement_id(unhex(golden["access"]["signed"]))
    keys = {one["id"]: verify.key_chain(one["chain"]) for one in people.values()}
    chain = [unhex(one["grant"]) for one in golden["grants"]]
    category = manifests[0]["categories"][0]["category"]
    grants, ids = verify.grant_chain(
        chain,
        access["vault"],
        access["custodian"],
        keys,
        access["time"],
        team["id"],
        [category],
        4,
        access["purpose"],
    )
    assert ids == access["chain"], "the access names another chain"
    body = verify.verify_signed("grant-keys", unhex(golden["grants"][1]["keys"]), keys[grants[0]["grantee"]])
    secrets = opening.open_grant_keys(
        decode(STRUCTS["GrantKeys"], body), grants[1], ids[1], people["team"], manifests[1]
    )
    capsules = [
        decode(STRUCTS["Capsule"], unhex(one["capsule"]))
        for commit in golden["commits"]
        for one in commit["capsules"]
    ]
    headers = [capsule["header"] for capsule in capsules][: len(access["capsules"])]
    answers = [answers_of(golden["answers"])[place] for place in which]
    releases, _ = opening.open_release(answers, access_id, unhex(golden["access"]["oneTimeSecret"]), headers, genesis)
    by_hash = {opening.header_hash(header): release for header, release in zip(headers, releases)}
    contents = open_records(golden, by_hash, opening.earlier_secrets(manifests, secrets))
    assert len(contents) == 7 and all(
        golden["contents"][name] == value for name, value in contents.items()
    ), "trustees' path"


def check_golden(path):
    golden = json.loads(path.read_text())
    people = {
        name: opening.identity(unhex(golden["identities"][name])) for name in ("owner", "writer", "grantee", "team")
    }
    owner = verify.key_chain(people["owner"]["chain"])
    writer = verify.key_chain(people["writer"]["chain"])
    vault, genesis = verify.vault_genesis(unhex(golden["genesis"]), owner)
    manifests, _ = verify.manifests(unhexes(golden["manifests"]), vault, genesis, owner)
    encapsulations = {opening.encapsulation_id(data): data for data in unhexes(golden["encapsulations"])}
    check_commits(golden, writer)
    commits = [unhex(one["commit"]) for one in golden["commits"]]
    authors = {writer["id"]: writer}
    _, counts, wrong = opening.check_links(commits, vault, owner["id"], authors, people["owner"], encapsulations)
    assert not wrong, "links"
    assert list(counts.values()) == [len(one["records"]) for one in golden["commits"]], "records of the commits"
    owner_path(golden, people, manifests, encapsulations)
    for which in ((0, 1), (1, 2), (2, 0)):
        trustee_path(golden, people, manifests, genesis, which)
    print(f"golden vault: {len(golden['contents'])} records opened by owner and trustees")


def check_mlkem(folder):
    """Wycheproof's ML-KEM-768 keys and decapsulations through our own ML-KEM."""
    wrong = total = 0
    for group in json.loads((folder / "mlkem_768_test.json").read_text())["testGroups"]:
        for case in group["tests"]:
            if len(case["seed"]) != 128:
                continue
            total += 1
            key = mlkem.keygen(unhex(case["seed"]))
            try:
                shared = mlkem.decapsulate(key, unhex(case["c"])).hex()
            except ValueError:
                shared = None
            right = shared == case["K"] and key["public"].hex() == case.get("ek", key["public"].hex())
            wrong += right != (case["result"] == "valid")
    print(f"ML-KEM-768 by Wycheproof: {total - wrong} of {total} hold")
    return wrong


def check_p256(folder):
    """Wycheproof's ECDSA signatures: valid ones hold, but for those with the larger of two values of s."""
    wrong = total = 0
    for group in json.loads((folder / "ecdsa_secp256r1_sha256_p1363_test.json").read_text())["testGroups"]:
        public = unhex(group["publicKey"]["uncompressed"])[1:]
        for case in group["tests"]:
            total += 1
            signature = unhex(case["sig"])
            smaller = p256.halves(signature)[1] <= p256.N // 2
            holds = p256.verify(public, unhex(case["msg"]), signature)
            wrong += holds != (case["result"] == "valid" and smaller)
    print(f"ECDSA P-256 by Wycheproof: {total - wrong} of {total} hold")
    return wrong


def main():
    wrong = sum(check_vectors(path) for path in sorted((SPEC / "vectors" / "v1").glob("*.json")))
    check_golden(SPEC / "golden" / "v1" / "vault.json")
    if "--mlkem" in sys.argv:
        wrong += check_mlkem(pathlib.Path(sys.argv[sys.argv.index("--mlkem") + 1]))
    if "--p256" in sys.argv:
        wrong += check_p256(pathlib.Path(sys.argv[sys.argv.index("--p256") + 1]))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
