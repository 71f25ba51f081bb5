"""Every object of the format, as spec/format.md and packages/seal/src/statements.ts name them."""

from cbor import Optional, boolean, choice, list_of, octets, struct, text, uint

U32 = 0xFFFFFFFF
STATEMENT = 128 * 1024
hash32, id16, time, suite = octets(32), octets(16), uint(), uint(0xFFFF)
public_key, enc = octets(1216), octets(1120)

KINDS = (
    "key-record",
    "vault-genesis",
    "manifest",
    "commit",
    "grant",
    "grant-keys",
    "revocation",
    "access",
    "position",
    "positions",
    "release",
    "denial",
    "head",
    "successor",
    "status",
    "fact",
    "confirmation",
    "order",
    "ticket",
    "envelope",
    "binding",
    "link",
    "report",
    "decoy",
    "dealing",
    "discovery-key",
    "identity-proof",
    "spent",
    "card",
    "card-opening",
    "notice",
)
PURPOSES = ("treatment", "emergency", "administration", "patient-request", "legal", "research")
RIGHTS = {"relay": 1, "write": 2, "read": 4, "shareOn": 8}

courier_seal = struct(encapsulation=hash32, sealed=octets(16, 128))
category_entry = struct(
    category=id16, epoch=uint(U32), publicKey=public_key, strict=boolean, previous=Optional(octets(48)),
    accessLog=Optional(boolean),
)

STRUCTS = {
    "Signed": struct(
        kind=choice(*KINDS), body=octets(0, STATEMENT), signer=hash32, keyVersion=uint(64), signature=octets(64)
    ),
    "KeyRecord": struct(
        suite=suite,
        kind=choice("person", "organisation", "vendor", "machine", "trustee", "index"),
        version=uint(64),
        previous=Optional(hash32),
        signingKey=hash32,
        sealingKey=public_key,
        time=time,
        salt=id16,
    ),
    "VaultGenesis": struct(
        suite=suite,
        controller=hash32,
        mode=choice("owner", "custody"),
        trustees=list_of(hash32, 3),
        time=time,
        salt=id16,
    ),
    "Manifest": struct(
        suite=suite,
        vault=hash32,
        custodian=hash32,
        version=uint(U32),
        previous=Optional(hash32),
        time=time,
        categories=list_of(category_entry, 32),
        enc=enc,
        sealed=octets(16, 8192),
    ),
    "CategorySecrets": list_of(struct(category=id16, code=text(64), epoch=uint(U32), secret=Optional(hash32)), 32),
    "Encapsulation": struct(
        suite=suite, writer=hash32, recipient=hash32, recipientKeyVersion=uint(64), day=uint(U32), enc=enc
    ),
    "CapsuleHeader": struct(
        suite=suite,
        vault=hash32,
        custodian=hash32,
        category=id16,
        epoch=uint(U32),
        capsule=id16,
        writer=hash32,
        enc=enc,
        releaseCommitment=hash32,
        shareCommitments=list_of(hash32, 3),
        retention=choice("care", "administrative", "patient", "access-log"),
        opened=time,
    ),
    "Capsule": struct(header=octets(1, 4096), shares=list_of(courier_seal, 3), owner=Optional(courier_seal)),
    "RecordHeader": struct(
        suite=suite,
        capsule=id16,
        record=id16,
        handle=id16,
        version=uint(U32),
        time=time,
        contentType=choice("fhir+json", "tombstone", "octets"),
        dictionary=uint(0xFF),
    ),
    "Commit": struct(
        suite=suite,
        vault=hash32,
        author=hash32,
        root=hash32,
        depth=uint(14),
        capsules=uint(16384),
        time=time,
        link=hash32,
        linkSeal=courier_seal,
        salt=id16,
        custodian=hash32,
    ),
    "Grant": struct(
        suite=suite,
        vault=hash32,
        custodian=hash32,
        grantee=hash32,
        parent=Optional(hash32),
        categories=list_of(id16, 32),
        rights=uint(15),
        purposes=list_of(choice(*PURPOSES), len(PURPOSES)),
        basis=choice("care-team", "consent", "vital-interest", "legal-duty"),
        notBefore=time,
        expires=time,
        depth=uint(8),
        patientsPerDay=Optional(uint(1_000_000)),
        salt=id16,
        ticket=Optional(hash32),
        standing=Optional(boolean),
        strict=Optional(list_of(id16, 32)),
        summary=Optional(list_of(id16, 32)),
    ),
    "GrantKeys": struct(
        suite=suite, grant=hash32, vault=hash32, manifestVersion=uint(U32), enc=enc, sealed=octets(16, 8192)
    ),
    "Revocation": struct(suite=suite, vault=hash32, grant=hash32, time=time, salt=id16),
    "Access": struct(
        suite=suite,
        access=id16,
        vault=hash32,
        custodian=hash32,
        reader=hash32,
        capsules=list_of(hash32, 1024),
        chain=list_of(hash32, 8),
        purpose=choice(*PURPOSES),
        oneTimeKey=public_key,
        time=time,
        session=Optional(hash32),
        until=Optional(time),
    ),
    "Position": struct(suite=suite, index=hash32, statement=hash32, sequence=uint(), time=time, salt=Optional(id16)),
    "Positions": struct(
        suite=suite,
        index=hash32,
        held=list_of(struct(statement=hash32, sequence=uint(), time=time, salt=Optional(id16)), 1024),
    ),
    "Release": struct(
        suite=suite, trustee=hash32, vault=hash32, access=hash32, capsules=uint(1024), time=time, salt=id16,
        charge=Optional(octets(16, 1024)),
    ),
    "Denial": struct(
        suite=suite, server=hash32, vault=hash32, reader=hash32, access=hash32, problem=text(64), time=time, salt=id16
    ),
    "Head": struct(suite=suite, index=hash32, checkpoint=octets(1, 16 * 1024), time=time),
    "Successor": struct(
        suite=suite,
        index=hash32,
        ended=text(128),
        size=uint(),
        root=hash32,
        successor=text(128),
        kept=uint(),
        missing=list_of(uint(), 12000),
        time=time,
    ),
    "CardHeader": struct(
        suite=suite, vault=hash32, issuer=hash32, card=id16, issued=time, expires=time, dictionary=uint(0xFF)
    ),
    "Card": struct(
        header=octets(1, 256),
        recipients=list_of(struct(recipient=hash32, keyVersion=uint(64), enc=enc, sealed=octets(48)), 4),
        body=octets(1, 64 * 1024),
    ),
    "CardFile": struct(
        genesis=octets(1, STATEMENT), chain=list_of(octets(1, STATEMENT), 64), card=octets(1, STATEMENT)
    ),
    "CardOpening": struct(
        suite=suite, card=hash32, vault=hash32, reader=hash32, site=hash32, reason=text(500), time=time, nonce=id16,
        organisation=Optional(hash32),
    ),
    "Notice": struct(
        suite=suite,
        about=choice("order", "binding", "link"),
        subject=hash32,
        time=time,
        salt=id16,
        keys=list_of(struct(trustee=hash32, enc=enc, sealed=octets(48)), 3),
        key=hash32,
        content=octets(17, 64 * 1024 + 16),
    ),
    "LogEntry": struct(commitment=hash32, subject=Optional(hash32)),
    "StoredIdentity": struct(
        chain=list_of(octets(1, STATEMENT), 64), secrets=list_of(struct(signing=hash32, sealing=hash32), 64)
    ),
}
