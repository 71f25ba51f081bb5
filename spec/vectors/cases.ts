/** The vectors' cases: each takes something valid of the golden vault and, for a refusal, changes one thing. */
import { bodyKeys } from '../../packages/seal/src/body/chunks.ts'
import { oneText, sealBody } from '../../packages/seal/src/body/cobblestone.ts'
import { ownerRelease } from '../../packages/seal/src/envelope.ts'
import * as seal from '../../packages/seal/src/verify.ts'
import { bodyCases } from './cases-bodies.ts'
import { cardCases } from './cases-cards.ts'
import { chargeCases } from './cases-charge.ts'
import { discoveryCases } from './cases-discovery.ts'
import { grantFieldCases } from './cases-grants.ts'
import { logCases } from './cases-log.ts'
import { recoveryCases } from './cases-recovery.ts'
import { sessionCases } from './cases-sessions.ts'
import { standingCases } from './cases-standing.ts'
import { statementCases } from './cases-statements.ts'
import { summaryCases } from './cases-summary.ts'
import type { Golden } from './golden.ts'
import { bodyOf, changed } from './material.ts'
import { plain, run, type Vector } from './operations.ts'
import { ALL_OPERATIONS } from './operations-node.ts'

const { toHex } = seal

const encodingCases = (golden: Golden): Vector[] => {
  const samples: [string, Uint8Array][] = [
    ['Signed', golden.made.genesisSigned], ['KeyRecord', bodyOf(golden.owner.chain[1]!)], ['VaultGenesis', bodyOf(golden.made.genesisSigned)],
    ['Manifest', bodyOf(golden.second.signed)], ['CategorySecrets', seal.encode(seal.CategorySecrets, golden.second.secrets)],
    ['Encapsulation', golden.encapsulations[0]!], ['CapsuleHeader', golden.capsules[0]!.headerBytes], ['Capsule', golden.capsules[0]!.capsuleBytes],
    ['RecordHeader', golden.bodies[0]!.headerBytes], ['Commit', bodyOf(golden.commits[0]!.commit)], ['Grant', bodyOf(golden.child.grantSigned)],
    ['GrantKeys', bodyOf(golden.child.keysSigned)], ['Revocation', bodyOf(golden.revocation.signed)], ['Access', bodyOf(golden.access.signed)],
  ]
  const header = golden.bodies[0]!.headerBytes
  const rest = toHex(header.subarray(1))
  const bad: [string, string][] = [
    ['trailing byte', `${toHex(header)}00`], ['truncated', toHex(header.subarray(0, -1))], ['empty', ''],
    ['indefinite map', `bf${rest}ff`], ['map length not shortest', `b808${rest}`], ['key repeated', `a9${rest}0700`],
    ['keys out of order', `a8${rest.slice(4, 4 + 36)}0001${rest.slice(40)}`], ['key not shortest', `a81800${rest.slice(2)}`],
    ['value not shortest', `a8001801${rest.slice(4)}`], ['unknown field', `a9${rest}0800`], ['field missing', `a7${rest.slice(4)}`],
    ['text for bytes', toHex(header).replace('0150', '0170')], ['float', `a800f93c00${rest.slice(4)}`], ['tag', `a800c101${rest.slice(4)}`],
    ['short id', toHex(header).replace('0150', '014f')], ['negative', `a80020${rest.slice(4)}`], ['number over 2^53', `a8001bffffffffffffffff${rest.slice(4)}`],
    ['null', `a800f6${rest.slice(4)}`], ['content type out of the list', toHex(header).replace(/06000701$/, '06030701')],
  ]
  return [
    ...samples.map(([struct, bytes]): Vector => ({ name: `a ${struct}`, op: 'decode', in: { struct, bytes: toHex(bytes) } })),
    ...bad.map(([name, bytes]): Vector => ({ name: `a record header: ${name}`, op: 'decode', in: { struct: 'RecordHeader', bytes } })),
  ]
}

const smallCases = (golden: Golden): Vector[] => [
  ...[0, 1, 2, 3, 8, 9, 10, 63, 64, 65, 100, 255, 257, 1_000, 4_097, 16_385, 100_001, 2 ** 24 + 1, 2 ** 32 + 5].map((length): Vector => ({ name: `length ${length}`, op: 'padme', in: { length } })),
  { name: 'a handle', op: 'handle', in: { key: '05'.repeat(32), type: 'Patient', id: 'é/1' } },
  { name: 'no commit', op: 'feed-head', in: { commits: [] } },
  { name: 'all commits', op: 'feed-head', in: { commits: golden.commits.map(({ id }) => toHex(id)) } },
]

const cobblestoneCases = async (): Promise<Vector[]> => {
  const key = toHex(new Uint8Array(32).fill(1))
  const vectors: Vector[] = []
  for (const length of [0, 1, 16_383, 16_384, 16_385, 32_768]) {
    const context = new TextEncoder().encode(length === 1 ? '' : `context ${length}`)
    const salt = seal.sha256(seal.u32(length)).subarray(0, 24)
    const plaintext = Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff)
    const body = await sealBody(new Uint8Array(32).fill(1), salt, context, oneText(plaintext))
    const input = { key, context: toHex(context), body: toHex(body) }
    vectors.push({ name: `${length} bytes`, op: 'cobblestone', in: input })
    if (length === 1 || length === 16_384) {
      const flips = [0, 23, 24, 55, 56, body.length - 17, body.length - 16, body.length - 1]
      for (const flip of flips) vectors.push({ name: `${length} bytes, bit flipped at ${flip}`, op: 'cobblestone', in: { ...input, change: { flip } } })
      for (const truncate of [0, 55, 56, 71, body.length - 16, body.length - 1]) {
        vectors.push({ name: `${length} bytes, cut to ${truncate}`, op: 'cobblestone', in: { ...input, change: { truncate } } })
      }
      vectors.push({ name: `${length} bytes, extended`, op: 'cobblestone', in: { ...input, change: { append: '00' } } })
      vectors.push({ name: `${length} bytes, another key`, op: 'cobblestone', in: { ...input, key: toHex(new Uint8Array(32).fill(2)) } })
      vectors.push({ name: `${length} bytes, another context`, op: 'cobblestone', in: { ...input, context: `${input.context}00` } })
    }
    if (length === 32_768) vectors.push({ name: 'chunks swapped', op: 'cobblestone', in: { ...input, change: { swap: [0, 1] } } })
    if (length === 1) {
      const keys = bodyKeys(new Uint8Array(32).fill(1), salt, context)
      const forged = seal.concatBytes(salt, changed(keys.commitment, 0), body.subarray(56))
      vectors.push({ name: 'wrong commitment, right chunks', op: 'cobblestone', in: { ...input, body: toHex(forged) } })
    }
  }
  return vectors
}

/** Fills in what each case gives. Whether that is right is judged by reading, and by the second reader. */
const settled = async (vectors: Vector[]): Promise<Vector[]> => {
  const done: Vector[] = []
  for (const vector of vectors) {
    const written = JSON.parse(JSON.stringify(plain(vector))) as Vector
    done.push({ ...written, ...(await run(written, ALL_OPERATIONS)) })
  }
  return done
}

export const makeVectors = async (golden: Golden): Promise<Record<string, Vector[]>> => {
  const releases: Uint8Array[] = []
  for (const { capsuleBytes } of golden.capsules) {
    releases.push(await ownerRelease(capsuleBytes, golden.owner, (id) => golden.courier.bytesOf(id)))
  }
  return {
    encoding: await settled(encodingCases(golden)),
    small: await settled(smallCases(golden)),
    cobblestone: await settled(await cobblestoneCases()),
    statements: await settled(await statementCases(golden)),
    bodies: await settled(await bodyCases(golden, releases)),
    log: await settled(await logCases(golden)),
    grants: await settled(await grantFieldCases(golden)),
    cards: await settled(await cardCases(golden)),
    standing: await settled([...(await standingCases(golden)), ...(await summaryCases(golden))]),
    discovery: await settled(await discoveryCases(golden)),
    charge: await settled(await chargeCases()),
    recovery: await settled(await recoveryCases(golden)),
    sessions: await settled(await sessionCases(golden)),
  }
}

