/**
 * did:webvh 1.0: the logs that five implementations made for the suite of the Decentralized Identity Foundation, logs
 * that didwebvh-ts reads and writes, and every log that must not pass.
 */
import { sign } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ed25519Verify } from '@scelle/seal/verify'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../src/encoding.ts'
import { CredentialError } from '../src/errors.ts'
import { verifyLog } from '../src/organisation.ts'
import { house, keyHash, LogMaker, makerKey, proofBy } from './webvh-maker.ts'

const NOW = Date.UTC(2026, 10, 26)
const folder = join(process.env['SCELLE_SHARED'] ?? '', 'vectors/didwebvh')
const present = existsSync(folder)
if (!present) console.log(`didwebvh: no ${folder}, so the vectors of the suite are not run here`)

const code = (log: string, scid: string, witness?: string, now = NOW): string => {
  try {
    verifyLog({ log, witness }, scid, now)
    return 'accepted'
  } catch (error) {
    return error instanceof CredentialError ? error.code : String(error)
  }
}

const cases = (present ? readdirSync(folder, { withFileTypes: true }) : [])
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(join(folder, name), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => ({ name, by: entry.name })))
/** Section "Witness Lists": an entry that replaces witnesses is approved by those before it. Only one maker did so. */
const UNWITNESSED = ['java', 'java-eecc', 'python', 'ts']

describe('the suite of the Decentralized Identity Foundation', () => {
  const read = ({ name, by }: { name: string; by: string }) => {
    const file = (path: string): string | undefined =>
      existsSync(join(folder, name, by, path)) ? readFileSync(join(folder, name, by, path), 'utf8') : undefined
    const log = file('did.jsonl') ?? ''
    const { parameters } = JSON.parse(log.split('\n')[0] ?? '') as { parameters: { scid: string } }
    return { log, witness: file('did-witness.json'), scid: parameters.scid, result: file('resolutionResult.json') }
  }

  it.skipIf(!present).each(cases)('$name by $by', (each) => {
    const { log, witness, scid, result } = read(each)
    if (each.name === 'witness-update' && UNWITNESSED.includes(each.by)) {
      expect(code(log, scid, witness)).toBe('did-witness-missing')
      return
    }
    const { didDocument, didDocumentMetadata: meta } = JSON.parse(result ?? '{}') as Record<string, JsonObject | null>
    const history = verifyLog({ log, witness }, scid, NOW)
    expect(history.versionIds.at(-1)).toBe(meta?.['versionId'])
    expect(history.did).toBe(didDocument?.['id'] ?? history.dids[0])
    expect(history.deactivated).toBe(each.name === 'deactivate')
    expect(history.portable).toBe(each.name.startsWith('portable'))
    expect(history.preRotation).toBe(each.name.startsWith('pre-rotation'))
  })
})

const [first, second, third, thief] = ['first', 'second', 'third', 'thief'].map(makerKey) as
  [ReturnType<typeof makerKey>, ReturnType<typeof makerKey>, ReturnType<typeof makerKey>, ReturnType<typeof makerKey>]
const [red, green, blue] = ['red', 'green', 'blue'].map(makerKey) as [typeof first, typeof first, typeof first]
const state = house('house.example.org')
const updateKeys = (...keys: (typeof first)[]) => keys.map(({ multikey }) => multikey)
const witness = (threshold: number, ...keys: (typeof first)[]) => ({
  threshold, witnesses: keys.map(({ multikey }) => ({ id: `did:key:${multikey}` })),
})

/** Pre-rotated: each entry commits to the key of the next. */
const rotated = () => new LogMaker()
  .append({ parameters: { updateKeys: updateKeys(first), nextKeyHashes: [keyHash(second)] }, state, signers: [first] })
  .append({ parameters: { updateKeys: updateKeys(second), nextKeyHashes: [keyHash(third)] }, state, signers: [second] })
const plain = (parameters: JsonObject = {}) =>
  new LogMaker().append({ parameters: { updateKeys: updateKeys(first), ...parameters }, state, signers: [first] })
const verdict = (log: LogMaker, file?: string): string => code(log.text, log.scid, file)

describe('a log is refused', () => {
  it('when any character of it was changed, and accepted as it was', () => {
    const log = rotated()
    expect(verdict(log)).toBe('accepted')
    const characters = Array.from('abcdefABCDEF0123456789{}[]":,z ')
    fc.assert(fc.property(fc.nat(log.text.length - 2), fc.constantFrom(...characters), (at, character) => {
      const mutated = log.text.slice(0, at) + character + log.text.slice(at + 1)
      // Spaces between the parts are no part of an entry, nor is what an escape in a text stands for.
      if (mutated.trim() !== log.text.trim()) expect(code(mutated, log.scid)).not.toBe('accepted')
    }), { numRuns: 400 })
  })

  it('that is another one’s: its identifier is not the hash of its first entry', () => {
    const log = rotated()
    expect(code(log.text, 'QmVArGEbmoYrzKp9wmpnCPYLjnvwHWhYC1jK8B8WCwgBd8')).toBe('did-scid-mismatch')
    const [entry = {}] = log.entries
    const tampered: JsonObject = { ...entry, state: { ...(entry['state'] as JsonObject), alsoKnownAs: [] } }
    expect(code(JSON.stringify(tampered), log.scid)).toBe('did-scid-mismatch')
  })

  it('whose entries nobody signed, although every hash is right', () => {
    const log = rotated()
    const unsigned = log.entries.map((entry) => JSON.stringify({ ...entry, proof: [] })).join('\n')
    expect(code(unsigned, log.scid)).toBe('did-key-unauthorised')
    const without = log.entries.map(({ proof: _proof, ...entry }) => JSON.stringify(entry)).join('\n')
    expect(code(without, log.scid)).toBe('did-key-unauthorised')
  })

  it('with an entry by a key that was not authorised, or beside one that was', () => {
    expect(verdict(plain().append({ parameters: {}, state, signers: [thief] }))).toBe('did-key-unauthorised')
    expect(verdict(plain().append({ parameters: {}, state, signers: [first, thief] }))).toBe('did-key-unauthorised')
    const taken = { updateKeys: updateKeys(thief) }
    expect(verdict(plain().append({ parameters: taken, state, signers: [thief] }))).toBe('did-key-unauthorised')
    expect(verdict(plain().append({ parameters: {}, state, signers: [first] }))).toBe('accepted')
  })

  it('whose proof is of another kind or purpose', () => {
    const log = plain()
    const { proof: _proof, ...body } = log.entries[0] ?? {}
    const good = proofBy(body, first)
    for (const change of [
      { type: 'Ed25519Signature2020' }, { cryptosuite: 'eddsa-rdfc-2022' }, { proofPurpose: 'authentication' },
      { verificationMethod: `did:key:${first.multikey}#${thief.multikey}` }, { verificationMethod: '#key' },
      { proofValue: 'z1' }, { proofValue: '' },
    ]) {
      const text = JSON.stringify({ ...body, proof: [{ ...good, ...change }] })
      expect(code(text, log.scid), JSON.stringify(change)).toBe('did-key-unauthorised')
    }
  })

  it('that breaks its pre-rotation: the present key alone adds nothing', () => {
    const stolen = [second]
    const add = (parameters: JsonObject, signers = stolen) => verdict(rotated().append({ parameters, state, signers }))
    expect(add({})).toBe('did-prerotation-broken')
    expect(add({ updateKeys: updateKeys(second) })).toBe('did-prerotation-broken')
    expect(add({ updateKeys: updateKeys(thief) }, [thief])).toBe('did-prerotation-broken')
    expect(add({ updateKeys: updateKeys(third, thief) }, [third])).toBe('did-prerotation-broken')
    // It knows the committed key's public half by now, and signs with what it has.
    expect(add({ updateKeys: updateKeys(third) })).toBe('did-key-unauthorised')
    expect(add({ updateKeys: updateKeys(third) }, [third])).toBe('accepted')
    expect(add({ updateKeys: [] }, [third])).toBe('did-key-unauthorised')
  })

  it('that left out, repeated or reordered entries', () => {
    const log = rotated().append({ parameters: { updateKeys: updateKeys(third) }, state, signers: [third] })
    const [a, b, c] = log.entries.map((entry) => JSON.stringify(entry))
    for (const entries of [[a, c], [b, c], [a, b, b], [a, c, b], [a, a, b]]) {
      expect(code(entries.join('\n'), log.scid)).not.toBe('accepted')
    }
    expect(code([a, b].join('\n'), log.scid)).toBe('accepted')
    expect(code('', log.scid)).toBe('did-log-invalid')
  })

  it('too few witnesses of which approved', () => {
    const log = plain({ witness: witness(2, red, green, blue) })
    expect(verdict(log)).toBe('did-witness-missing')
    expect(verdict(log, log.witnessed(1, [red]))).toBe('did-witness-missing')
    expect(verdict(log, log.witnessed(1, [red, red, thief]))).toBe('did-witness-missing')
    expect(verdict(log, log.witnessed(1, [red, blue]))).toBe('accepted')
    const other = plain({ witness: witness(2, red, green) })
    expect(verdict(log, other.witnessed(1, [red, green]))).toBe('did-witness-missing')
  })

  it('whose witnesses did not approve their own replacement', () => {
    const log = plain({ witness: witness(1, red) })
      .append({ parameters: { witness: witness(1, thief) }, state, signers: [first] })
    expect(verdict(log, log.witnessed(2, [thief]))).toBe('did-witness-missing')
    expect(verdict(log, log.witnessed(1, [red]))).toBe('did-witness-missing')
    expect(verdict(log, log.witnessed(2, [red]))).toBe('accepted')
    const off = plain({ witness: witness(1, red) })
      .append({ parameters: { witness: {} }, state, signers: [first] })
    expect(verdict(off, off.witnessed(1, [red]))).toBe('did-witness-missing')
    expect(verdict(off, off.witnessed(2, [red]))).toBe('accepted')
  })

  it('whose witnesses are listed twice, or fewer than it wants', () => {
    expect(verdict(plain({ witness: witness(2, red, red) }))).toBe('did-log-invalid')
    expect(verdict(plain({ witness: witness(2, red) }))).toBe('did-log-invalid')
    expect(verdict(plain({ witness: witness(0, red) }))).toBe('did-log-invalid')
    expect(verdict(plain({ witness: { threshold: 1 } }))).toBe('did-log-invalid')
    expect(verdict(plain({ witness: { threshold: 1, witnesses: [{ id: 'did:web:x' }] } }))).toBe('did-log-invalid')
  })

  it('that turns its rules around later, or names what the method does not know', () => {
    const add = (parameters: JsonObject) => verdict(plain().append({ parameters, state, signers: [first] }))
    expect(add({ portable: true })).toBe('did-log-invalid')
    expect(add({ method: 'did:webvh:0.5' })).toBe('did-log-invalid')
    expect(add({ scid: '{SCID}' })).toBe('did-log-invalid')
    expect(add({ admin: true })).toBe('did-log-invalid')
    expect(add({ updateKeys: 'z6Mk' })).toBe('did-log-invalid')
    expect(verdict(plain({ method: 'did:webvh:0.5' }))).toBe('did-log-invalid')
    expect(verdict(plain({ method: null }))).toBe('did-log-invalid')
  })

  it('that moves without having said that it may, or to another identifier', () => {
    const moved = house('elsewhere.example.org')
    expect(verdict(plain().append({ parameters: {}, state: moved, signers: [first] }))).toBe('did-log-invalid')
    const portable = plain({ portable: true })
    expect(verdict(portable.append({ parameters: {}, state: moved, signers: [first] }))).toBe('accepted')
    const renamed = { ...state, id: 'did:webvh:QmVArGEbmoYrzKp9wmpnCPYLjnvwHWhYC1jK8B8WCwgBd8:house.example.org' }
    expect(verdict(plain({ portable: true }).append({ parameters: {}, state: renamed, signers: [first] })))
      .toBe('did-scid-mismatch')
  })

  it('that goes on after its end', () => {
    const ended = plain().append({ parameters: { deactivated: true }, state, signers: [first] })
    expect(verdict(ended)).toBe('accepted')
    expect(verdict(ended.append({ parameters: { deactivated: false }, state, signers: [first] })))
      .toBe('did-log-invalid')
  })

  it('from the future, or too long to read', () => {
    const log = plain()
    expect(code(log.text, log.scid, undefined, Date.UTC(2025, 11, 31))).toBe('did-log-invalid')
    expect(code('{}\n'.repeat(513), log.scid)).toBe('too-large')
  })

  it('nested without end, or in text that has no UTF-8', () => {
    const log = plain()
    const [entry = {}] = log.entries
    const text = JSON.stringify({ ...entry, state: { ...(entry['state'] as JsonObject), deep: 'DEEP' } })
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    expect(code(text.replace('"DEEP"', deep), log.scid)).toBe('too-large')
    expect(code(text.replace('DEEP', '\\ud800'), log.scid)).toBe('encoding-invalid')
    expect(code(text.replace('DEEP', '{SCID}'), log.scid)).toBe('did-log-invalid')
  })
})

/** What we use of the library; its own declarations name modules without extensions, which resolve to nothing. */
interface Library {
  resolveDIDFromLog(log: readonly object[], options: object): Promise<{ meta: { versionId: string } }>
  createDID(options: object): Promise<{ log: object[]; meta: { scid: string } }>
  updateDID(options: object): Promise<{ did: string; log: object[] }>
  prepareDataForSigning(document: object, proof: object): Promise<Uint8Array>
  multibaseEncode(bytes: Uint8Array, encoding: string): string
  readonly MultibaseEncoding: { readonly BASE58_BTC: string }
}

describe('didwebvh-ts', () => {
  let library: Library
  beforeAll(async () => {
    // Under `test` it writes every log that it touches into the working directory.
    vi.stubEnv('NODE_ENV', 'production')
    library = await import('didwebvh-ts')
  })
  afterAll(() => {
    vi.unstubAllEnvs()
  })

  const verifier = {
    verify: (signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array) =>
      Promise.resolve(ed25519Verify(publicKey, message, signature)),
  }
  const signer = (key: typeof first) => ({
    getVerificationMethodId: () => `did:key:${key.multikey}#${key.multikey}`,
    sign: async ({ document, proof }: { document: object; proof: object }) => {
      const signed = await library.prepareDataForSigning(document, proof)
      const signature = sign(null, signed, key.privateKey)
      return { proofValue: library.multibaseEncode(signature, library.MultibaseEncoding.BASE58_BTC) }
    },
  })

  it('reads the logs that we make, to the same version', async () => {
    const log = rotated()
    const { meta } = await library.resolveDIDFromLog(log.entries, { verifier })
    expect(verifyLog({ log: log.text }, log.scid, NOW).versionIds.at(-1)).toBe(meta.versionId)
  })

  it('writes logs that we read: created, and its committed key used', async () => {
    const created = await library.createDID({
      domain: 'house.example.org', signer: signer(first), verifier, updateKeys: updateKeys(first), portable: true,
      nextKeyHashes: [keyHash(second)],
      verificationMethods: [{ type: 'Multikey', publicKeyMultibase: third.multikey, purpose: 'assertionMethod' }],
    })
    const updated = await library.updateDID({
      log: created.log, signer: signer(second), verifier, updateKeys: updateKeys(second),
      nextKeyHashes: [keyHash(third)],
    })
    const text = updated.log.map((entry) => JSON.stringify(entry)).join('\n')
    const history = verifyLog({ log: text }, created.meta.scid, Date.now())
    expect(history).toMatchObject({ did: updated.did, preRotation: true, portable: true })
    expect(history.versionIds).toHaveLength(2)
  })

  it('accepts a log that nobody signed, which is why it reads none for us', async () => {
    const log = rotated()
    const unsigned = log.entries.map((entry) => ({ ...entry, proof: [] }))
    const { meta } = await library.resolveDIDFromLog(unsigned, { verifier })
    expect(meta.versionId).toBe(log.entries.at(-1)?.['versionId'])
  })
})
