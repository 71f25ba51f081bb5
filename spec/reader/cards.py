"""Cards that patients carry: checked by themselves, and opened with the key of an emergency site."""

import primitives
from cbor import decode
from opening import dictionary_of, open_body, unpack_content
from primitives import label
from statements import STRUCTS
from verify import key_chain, read, require, signed_of, statement_id, vault_genesis, verify_signed

CARD, PLAINTEXT = 64 * 1024, 512 * 1024
DAY = 86400
LIFE, AHEAD = 366 * DAY, DAY


def verify_card(data, at):
    """Whose card it is: nobody is asked, since a vault's id is the hash of what the card carries."""
    require(len(data) <= CARD, "card-too-large")
    file = decode(STRUCTS["CardFile"], data)
    issuer = key_chain(file["chain"])
    vault, _ = vault_genesis(file["genesis"], issuer)
    body = verify_signed("card", file["card"], issuer)
    require(signed_of("card", file["card"])["keyVersion"] == len(issuer["records"]) - 1, "signature-invalid")
    card = decode(STRUCTS["Card"], body)
    header = read("CardHeader", card["header"])
    require(header["vault"] == vault, "vault-mismatch")
    require(header["issuer"] == issuer["id"], "principal-mismatch")
    names = [one["recipient"] for one in card["recipients"]]
    require(names and len(set(names)) == len(names), "card-invalid")
    issued, expires = header["issued"], header["expires"]
    require(issued < expires <= issued + LIFE, "card-invalid")
    require(at < expires, "card-expired")
    require(issued <= at + AHEAD, "card-invalid")
    return {"id": statement_id(file["card"]), "vault": vault, "issuer": issuer["id"]}, card, header


def open_card(data, site, at):
    found, card, header = verify_card(data, at)
    own = [one for one in card["recipients"] if one["recipient"] == site["id"]]
    require(own, "card-recipient-unknown")
    info = label("card-seal") + site["id"] + card["header"]
    key = primitives.hpke_open(site["seeds"], own[0]["enc"], info, own[0]["sealed"])
    context = label("card-body") + dictionary_of(header["dictionary"])[1] + card["header"]
    packing = {"contentType": "fhir+json", "dictionary": header["dictionary"]}
    summary = unpack_content(packing, open_body(key, context, card["body"]))
    require(len(summary) <= PLAINTEXT, "card-too-large")
    return {**found, "summary": summary}
