/** Requests to a witness and what it decides, and proofs that stand by themselves. */
import {
  checkpointText, consistencyProof, cosignNote, decideCosignature, EMPTY_ROOT, formatAddCheckpoint, formatNote,
  formatProof, inclusionProof, LOG_LIMITS, LogError, type LogPolicy, type LogProof, parseAddCheckpoint, parseProof,
  signNote, toBase64, type Tree, verifyProof, WITNESS_STATUS, type WitnessDecision,
} from '@scelle/log'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOf, mangled, pair, text, verifyEd25519 } from './keys.ts'
import { NaiveTree } from './naive.ts'

const ORIGIN = 'log.example/1'
const [log, w1, w2] = [pair('log'), pair('w1'), pair('w2')]
const tree = NaiveTree.of(1_000)
const forked = new NaiveTree(tree.entries.with(3, bytesOf('something else')))
const known: Pick<LogPolicy, 'origin' | 'log'> = { origin: ORIGIN, log: [log.log(ORIGIN)] }

const signed = async (size: number, of = tree, origin = ORIGIN, by = log): Promise<Uint8Array> => {
  const written = checkpointText({ origin, size, root: size === 0 ? EMPTY_ROOT : of.root(size) })
  return formatNote({ text: written, signatures: [await signNote(written, by.log(ORIGIN), by.sign)] })
}
const last = (size: number): Tree => ({ size, root: tree.root(size) })

const code = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof LogError) return error.code
    throw error
  }
  return 'accepted'
}
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 })
const how = fc.constantFrom('change', 'remove', 'insert')

describe('a request', () => {
  test('is read as it was written, in one form', async () => {
    const checkpoint = await signed(7)
    fc.assert(fc.property(fc.maxSafeNat(), fc.array(hash, { maxLength: 63 }), how, fc.nat(), fc.nat(),
      (old, proof, change, at, by) => {
        const bytes = formatAddCheckpoint({ old, proof, checkpoint })
        expect(parseAddCheckpoint(bytes)).toEqual({ old, proof, checkpoint })
        const other = mangled(bytes, change, at, by)
        if (code(() => parseAddCheckpoint(other)) !== 'accepted') return
        expect(formatAddCheckpoint(parseAddCheckpoint(other))).toEqual(other)
      }))
    expect(text(formatAddCheckpoint({ old: 0, proof: [], checkpoint }))).toMatch(/^old 0\n\nlog\.example\/1\n7\n/)
  })

  test('is refused in any other form', () => {
    const line = `${toBase64(EMPTY_ROOT)}\n`
    for (const bad of [
      '', '\n\n', 'old\n\nx', 'old \n\nx', 'old 01\n\nx', 'old -1\n\nx', 'old 1 \n\nx', 'Old 1\n\nx', 'old 1',
      'old 1\n', 'old 9007199254740992\n\nx', `old 1\n${line}x`, `old 1\nAAAA\n\nx`, `old 1\n${line.trim()} \n\nx`,
      `old 1\n${line.repeat(64)}\nx`, ` old 1\n\nx`, `old 1\r\n\nx`,
    ]) expect(code(() => parseAddCheckpoint(bytesOf(bad))), JSON.stringify(bad)).toBe('proof-malformed')
    expect(code(() => parseAddCheckpoint(new Uint8Array(LOG_LIMITS.request + 1)))).toBe('proof-malformed')
    expect(code(() => parseAddCheckpoint(Uint8Array.of(0xff)))).toBe('proof-malformed')
    expect(parseAddCheckpoint(bytesOf(`old 1\n${line.repeat(63)}\nx`)).proof).toHaveLength(63)
    expect(code(() => formatAddCheckpoint({ old: -1, proof: [], checkpoint: EMPTY_ROOT }))).toBe('size-invalid')
  })
})

describe('a witness', () => {
  const decide = async (
    request: { old: number; to: number; of?: NaiveTree; proof?: Uint8Array[]; checkpoint?: Uint8Array },
    from: Tree | undefined,
  ): Promise<WitnessDecision> => {
    const { old, to, of = tree } = request
    const proof = request.proof ?? (old <= to ? await consistencyProof(old, to, of.nodes) : [])
    const checkpoint = request.checkpoint ?? (await signed(to, of))
    return decideCosignature({ old, proof, checkpoint }, from, known, verifyEd25519)
  }
  const refused = (decision: WitnessDecision): string => ('cosign' in decision ? 'cosigned' : decision.refused)

  test('cosigns what goes on from what it cosigned, and what it sees first', async () => {
    const first = await decide({ old: 0, to: 7 }, undefined)
    expect(first).toMatchObject({ cosign: { size: 7, root: tree.root(7) } })
    expect('text' in first && first.text).toBe(checkpointText({ origin: ORIGIN, size: 7, root: tree.root(7) }))
    expect(refused(await decide({ old: 7, to: 300 }, last(7)))).toBe('cosigned')
    expect(refused(await decide({ old: 7, to: 7 }, last(7)))).toBe('cosigned')
    expect(refused(await decide({ old: 0, to: 0 }, undefined))).toBe('cosigned')
  })

  test('never cosigns a tree that does not begin with the last one, at any sizes', async () => {
    const sizes = fc.tuple(fc.integer({ min: 4, max: 999 }), fc.nat({ max: 1_000 }), fc.nat({ max: 1_000 }))
    await fc.assert(fc.asyncProperty(sizes, fc.boolean(), async ([from, to, old], honest) => {
      const proof = await consistencyProof(Math.min(from, to), to, (honest ? tree : forked).nodes)
      for (const claimed of [from, old]) {
        const decision = await decide({ old: claimed, to, of: forked, proof }, last(from))
        if (to > 3 || claimed !== from) expect(refused(decision)).not.toBe('cosigned')
      }
    }), { numRuns: 200 })
  })

  test('answers with the status that the standard wants, in its order', async () => {
    const status = async (...[request, from]: Parameters<typeof decide>): Promise<[number, string]> => {
      const decision = await decide(request, from)
      if ('cosign' in decision) return [200, 'cosigned']
      return [WITNESS_STATUS[decision.refused], decision.refused]
    }
    const to = 300
    const [other, foreign] = [await signed(to, tree, 'other'), await signed(to, tree, ORIGIN, w1)]
    expect(await status({ old: 7, to, checkpoint: other }, last(7))).toEqual([404, 'unknown-log'])
    expect(await status({ old: 7, to, checkpoint: foreign }, last(7))).toEqual([403, 'unsigned'])
    const forged = mangled(await signed(to), 'change', text(await signed(to)).indexOf('\n5') + 1, 1)
    expect((await status({ old: 7, to, checkpoint: forged }, last(7)))[0]).toBeGreaterThanOrEqual(400)
    const spoilt = parseSpoilt(await signed(to))
    expect(await status({ old: 7, to, checkpoint: spoilt }, last(7))).toEqual([403, 'unsigned'])
    expect(await status({ old: 7, to, checkpoint: bytesOf('x') }, last(7))).toEqual([400, 'malformed'])
    expect(await status({ old: 301, to }, last(7))).toEqual([400, 'backwards'])
    expect(await status({ old: 8, to }, last(7))).toEqual([409, 'stale'])
    expect(await status({ old: 0, to }, last(7))).toEqual([409, 'stale'])
    expect(await status({ old: 7, to }, undefined)).toEqual([409, 'stale'])
    expect(await status({ old: 7, to, of: forked }, last(7))).toEqual([422, 'inconsistent'])
    expect(await status({ old: 7, to, proof: [] }, last(7))).toEqual([422, 'inconsistent'])
    expect(await status({ old: 0, to, proof: [EMPTY_ROOT] }, undefined)).toEqual([422, 'inconsistent'])
    expect(await status({ old: 7, to: 7, of: forked }, last(7))).toEqual([409, 'fork'])
    expect(await decide({ old: 8, to }, last(7))).toEqual({ refused: 'stale', size: 7 })
  })

  test('keeps the second history of one size as evidence, whatever the request says to go on from', async () => {
    for (const old of [0, 3, 7]) {
      const decision = await decide({ old, to: 7, of: forked, proof: [] }, last(7))
      expect(decision).toMatchObject({ refused: 'fork', size: 7, checkpoint: { size: 7, root: forked.root(7) } })
    }
    const lie = checkpointText({ origin: ORIGIN, size: 0, root: tree.root(1) })
    const checkpoint = formatNote({ text: lie, signatures: [await signNote(lie, log.log(ORIGIN), log.sign)] })
    expect(refused(await decide({ old: 0, to: 0, proof: [], checkpoint }, undefined))).toBe('fork')
  })

  test('does not swallow the errors of its own verifier', async () => {
    const broken = (): never => {
      throw new TypeError('no such key')
    }
    const request = { old: 0, proof: [], checkpoint: await signed(7) }
    await expect(decideCosignature(request, undefined, known, broken)).rejects.toThrow('no such key')
  })
})

/** The signature's last byte changed, in base64 that is still in its one form. */
const parseSpoilt = (note: Uint8Array): Uint8Array => {
  const lines = text(note).split('\n')
  const [dash = '', name = '', base64 = ''] = (lines.at(-2) ?? '').split(' ')
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'))
  return bytesOf([...lines.slice(0, -2), `${dash} ${name} ${toBase64(mangled(bytes, 'change', 40, 1))}`, ''].join('\n'))
}

describe('a proof file', () => {
  const policy: LogPolicy = {
    ...known,
    witnesses: [{ name: 'w1', keys: [w1.witness('w1')] }, { name: 'w2', keys: [w2.witness('w2')] }],
    quorum: 2,
  }
  const proofOf = async (index: number, size: number, extra?: Uint8Array): Promise<LogProof> => {
    const written = checkpointText({ origin: ORIGIN, size, root: tree.root(size) })
    const signatures = [
      await signNote(written, log.log(ORIGIN), log.sign),
      await cosignNote(written, 11, w1.witness('w1'), w1.sign),
      await cosignNote(written, 12, w2.witness('w2'), w2.sign),
    ]
    const hashes = await inclusionProof(index, size, tree.nodes)
    return { index, hashes, checkpoint: formatNote({ text: written, signatures }), extra }
  }

  test('is read as it was written, in one form, with extra data and without', async () => {
    const checkpoint = await signed(7)
    const extra = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined })
    fc.assert(fc.property(fc.maxSafeNat(), fc.array(hash, { maxLength: 63 }), extra, how, fc.nat(), fc.nat(),
      (index, hashes, more, change, at, by) => {
        const bytes = formatProof({ index, hashes, checkpoint, extra: more })
        expect(parseProof(bytes)).toEqual({ index, hashes, checkpoint, extra: more })
        const other = mangled(bytes, change, at, by)
        if (code(() => parseProof(other)) !== 'accepted') return
        expect(formatProof(parseProof(other))).toEqual(other)
      }))
  })

  test('looks as the standard’s', async () => {
    const lines = text(formatProof(await proofOf(2, 3, Uint8Array.of(1)))).split('\n')
    expect(lines.slice(0, 3)).toEqual(['c2sp.org/tlog-proof@v1', 'extra AQ==', 'index 2'])
    expect(lines.slice(4, 7)).toEqual(['', ORIGIN, '3'])
  })

  test('is refused in any other form', () => {
    const head = 'c2sp.org/tlog-proof@v1\n'
    const line = `${toBase64(EMPTY_ROOT)}\n`
    for (const bad of [
      '', head, `${head}index 1`, `${head}index 1\n`, `index 1\n\nx`, `${head}index 01\n\nx`, `${head}index -1\n\nx`,
      `${head}\nindex 1\n\nx`, `${head}extra\nindex 1\n\nx`, `${head}extra A\nindex 1\n\nx`,
      `${head}index 1\nextra AQ==\n\nx`, `${head}extra AQ==\nextra AQ==\nindex 1\n\nx`,
      `${head}${line}index 1\n\nx`, `${head}index 1\nAAAA\n\nx`,
      `${head}index 1\n${line.repeat(64)}\nx`, `c2sp.org/tlog-proof@v2\nindex 1\n\nx`,
      `${head}index 9007199254740992\n\nx`,
    ]) expect(code(() => parseProof(bytesOf(bad))), JSON.stringify(bad)).toBe('proof-malformed')
    expect(code(() => parseProof(new Uint8Array(LOG_LIMITS.request + 1)))).toBe('proof-malformed')
    expect(code(() => formatProof({ index: -1, hashes: [], checkpoint: EMPTY_ROOT }))).toBe('size-invalid')
    expect(parseProof(bytesOf(`${head}extra \nindex 1\n\nx`)).extra).toEqual(new Uint8Array(0))
  })

  test('holds for its entry, under a checkpoint of a quorum', async () => {
    const entry = tree.entries[700] as Uint8Array
    const proof = await proofOf(700, 999, Uint8Array.of(5))
    const read = parseProof(formatProof(proof))
    expect((await verifyProof(read, entry, policy, verifyEd25519)).size).toBe(999)
    const refused = async (change: Partial<LogProof>, other = entry): Promise<void> =>
      expect(verifyProof({ ...read, ...change }, other, policy, verifyEd25519)).rejects.toBeInstanceOf(LogError)
    await refused({}, tree.entries[701])
    await refused({ index: 701 })
    await refused({ index: 2_000 })
    await refused({ hashes: read.hashes.slice(1) })
    await refused({ checkpoint: await signed(999) })
    await refused({ checkpoint: (await proofOf(700, 998)).checkpoint })
  })

  test('with one byte changed, added or removed does not hold', async () => {
    const bytes = formatProof(await proofOf(3, 5))
    const entry = tree.entries[3] as Uint8Array
    await fc.assert(fc.asyncProperty(how, fc.nat(), fc.nat(), async (change, at, by) => {
      const check = async (): Promise<unknown> =>
        verifyProof(parseProof(mangled(bytes, change, at, by)), entry, policy, verifyEd25519)
      await expect(check()).rejects.toBeInstanceOf(LogError)
    }), { numRuns: 500 })
  })
})
