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
    "session-request",
    "session",
    "sign-out",
    "withdrawal",
    "software",
    "recovery",
    "objection",
)
PURPOSES = ("treatment", "emergency", "administration", "patient-request", "legal", "research")
PERSON_ROLES = (
    "gp", "specialist", "emergency-physician", "resident", "emergency-nurse", "triage-nurse", "ward-nurse",
    "pharmacist", "radiologist", "laboratory", "registration", "assistant", "engineer", "officer",
)
ORGANISATION_ROLES = ("practice", "hospital", "pharmacy", "laboratory-site", "vendor")
FACTS = ("presence", "appointment", "admission", "referral", "result", "on-call")
CONFIRMATIONS = ("step-up", "colleague", "officer", "session")
DUTIES = ("coding", "vigilance", "litigation")
ORDERS = ("lock", "clear", "surge", "review", "replace")
LOCK_SCOPES = ("device", "person", "organisation", "vendor")
REASON = 500
WRAP_METHODS = ("passkey", "printed", "guardians", "device", "list")
RIGHTS = {"relay": 1, "write": 2, "read": 4, "shareOn": 8}

courier_seal = struct(encapsulation=hash32, sealed=octets(16, 128))
category_entry = struct(
    category=id16, epoch=uint(U32), publicKey=public_key, strict=boolean, previous=Optional(octets(48)),
    accessLog=Optional(boolean),
)

assertion = struct(credential=octets(1, 255), authenticatorData=octets(37), clientData=octets(1, 2048))
passkey = struct(
    credential=octets(16, 255),
    algorithm=choice("ES256", "EdDSA"),
    publicKey=octets(32, 64),
    origin=text(255),
    rpId=text(255),
    deviceBound=boolean,
)

STRUCTS = {
    "Signed": struct(
        kind=choice(*KINDS),
        body=octets(0, STATEMENT),
        signer=hash32,
        keyVersion=uint(64),
        signature=octets(64),
        assertion=Optional(assertion),
        session=Optional(octets(1, 4096)),
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
        passkeys=Optional(list_of(passkey, 8)),
        flowOnly=Optional(boolean),
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
    "Position": struct(
        suite=suite, index=hash32, statement=hash32, sequence=uint(), time=time, salt=Optional(id16),
        generation=Optional(uint()),
    ),
    "Positions": struct(
        suite=suite,
        index=hash32,
        held=list_of(struct(statement=hash32, sequence=uint(), time=time, salt=Optional(id16)), 1024),
        generation=Optional(uint()),
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
        about=choice("order", "binding", "link", "recovery", "objection", "withdrawal"),
        subject=hash32,
        time=time,
        salt=id16,
        keys=list_of(struct(trustee=hash32, enc=enc, sealed=octets(48)), 3),
        key=hash32,
        content=octets(17, 64 * 1024 + 16),
    ),
    "RecoverySet": struct(
        suite=suite, owner=hash32, guardians=list_of(hash32, 3), shareCommitments=list_of(hash32, 3),
        trustees=list_of(hash32, 3), partCommitments=list_of(hash32, 3), time=time, salt=id16,
    ),
    "Recovery": struct(suite=suite, set=hash32, owner=hash32, device=hash32, time=time, nonce=id16),
    "Objection": struct(suite=suite, owner=hash32, set=hash32, recovery=Optional(hash32), time=time, nonce=id16),
    "PinSet": struct(
        suite=suite, trustees=list_of(hash32, 3), publicShares=list_of(hash32, 3), asker=hash32, knower=hash32,
        salt=id16,
    ),
    "Wrap": struct(
        suite=suite, method=choice(*WRAP_METHODS), time=time, salt=id16, check=hash32, root=Optional(hash32),
        file=Optional(octets(1, 1024)),
        guardians=Optional(
            struct(
                set=octets(1, 1024), parts=list_of(struct(enc=enc, sealed=octets(49)), 3), sealed=octets(48)
            )
        ),
        pin=Optional(
            struct(
                set=octets(1, 1024), shares=list_of(struct(enc=enc, sealed=octets(48)), 3), sealed=octets(48)
            )
        ),
        entries=Optional(
            list_of(
                struct(
                    method=choice(*WRAP_METHODS), place=id16, name=text(100), locator=hash32, writer=hash32, time=time,
                    set=Optional(hash32),
                ),
                24,
            )
        ),
    ),
    "Status": struct(
        suite=suite, subject=hash32, role=choice(*PERSON_ROLES, *ORGANISATION_ROLES), meter=hash32,
        organisation=Optional(hash32), vendor=Optional(hash32), under=Optional(hash32), stepUp=Optional(hash32),
        patientsPerDay=Optional(uint(10_000_000)), emergency=Optional(boolean), notBefore=time, expires=time, salt=id16,
        name=Optional(text(200)), ownKey=Optional(boolean),
    ),
    "Fact": struct(
        suite=suite, type=choice(*FACTS), vault=hash32, organisation=hash32, reader=Optional(hash32), notBefore=time,
        expires=time, nonce=id16,
    ),
    "Confirmation": struct(
        suite=suite, type=choice(*CONFIRMATIONS), reader=hash32, organisation=hash32, vault=Optional(hash32),
        reason=text(REASON), time=time, nonce=id16, duty=Optional(choice(*DUTIES)),
    ),
    "Order": struct(
        suite=suite, action=choice(*ORDERS), scope=choice(*LOCK_SCOPES), target=hash32, notBefore=time, expires=time,
        reason=text(REASON), nonce=id16, replacement=Optional(hash32),
    ),
    "Withdrawal": struct(suite=suite, subject=hash32, time=time, salt=id16),
    "Ticket": struct(
        suite=suite, organisation=hash32, vendor=hash32, number=text(REASON), vaults=list_of(hash32, 25),
        purpose=choice(*PURPOSES), subcontract=boolean, notBefore=time, expires=time, nonce=id16,
    ),
    "Report": struct(
        suite=suite, ticket=hash32, reader=hash32, accesses=list_of(hash32, 1024), **{"from": time}, to=time, nonce=id16
    ),
    "Decoy": struct(suite=suite, vault=hash32, time=time, nonce=id16),
    "SpentUpTo": struct(suite=suite, trustee=hash32, serial=uint(), time=time),
    "Binding": struct(
        suite=suite, pseudonym=hash32, vault=hash32, previous=Optional(hash32), time=time, nonce=id16
    ),
    "Link": struct(
        suite=suite, action=choice("merge", "split"), vault=hash32, other=hash32, previous=Optional(hash32), time=time,
        nonce=id16,
    ),
    "IdentityProof": struct(
        suite=suite, subject=hash32, pseudonym=hash32, inPerson=boolean, notBefore=time, expires=time, nonce=id16,
        vault=Optional(hash32),
    ),
    "Dealing": struct(
        suite=suite, ceremony=id16, generation=uint(U32), trustees=list_of(hash32, 3), commitments=list_of(hash32, 2),
        possession=struct(evaluated=hash32, proof=octets(64)),
        sealed=list_of(struct(enc=enc, share=octets(48)), 3), time=time,
    ),
    "DiscoveryKey": struct(
        suite=suite, generation=uint(U32), trustees=list_of(hash32, 3), publicKey=hash32,
        publicShares=list_of(hash32, 3), dealings=list_of(hash32, 3), time=time,
    ),
    "SessionRequest": struct(
        suite=suite, audience=hash32, principal=hash32, key=hash32, device=hash32,
        purposes=list_of(choice(*PURPOSES), len(PURPOSES)), notBefore=time, expires=time, salt=id16,
    ),
    "Session": struct(suite=suite, request=octets(1, STATEMENT)),
    "SignOut": struct(suite=suite, principal=hash32, before=time, session=Optional(hash32), salt=id16),
    "Withdrawal": struct(suite=suite, subject=hash32, time=time, salt=id16),
    "Software": struct(
        suite=suite, name=text(200), version=text(200), origin=Optional(text(255)),
        files=list_of(struct(path=text(255), sha256=hash32), 4096), time=time, salt=id16,
    ),
    "JournalEntry": struct(
        serial=uint(), vault=hash32, time=time, counted=list_of(struct(meter=hash32, measures=uint(0xFFFF)), 20),
        used=list_of(struct(statement=hash32, colleague=boolean), 4),
    ),
    "LogEntry": struct(commitment=hash32, subject=Optional(hash32)),
    "StoredIdentity": struct(
        chain=list_of(octets(1, STATEMENT), 64), secrets=list_of(struct(signing=hash32, sealing=hash32), 64)
    ),
}

# Which body stands in a statement of that kind, of those that are read one by one.
BODIES = {
    "status": "Status", "fact": "Fact", "confirmation": "Confirmation", "order": "Order", "ticket": "Ticket",
    "report": "Report", "binding": "Binding", "link": "Link", "identity-proof": "IdentityProof", "decoy": "Decoy",
    "spent": "SpentUpTo", "release": "Release", "dealing": "Dealing", "discovery-key": "DiscoveryKey",
    "notice": "Notice", "card-opening": "CardOpening", "session-request": "SessionRequest", "sign-out": "SignOut",
    "withdrawal": "Withdrawal", "software": "Software", "recovery": "Recovery", "objection": "Objection",
}
