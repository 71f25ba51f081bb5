/** Checkpoints and who cosigned them: c2sp.org/tlog-checkpoint. */
import {
  checkpointText, cosignNote, EMPTY_ROOT, formatNote, LogError, type LogPolicy, type NoteSignature, parseCheckpoint,
  signNote, toBase64, verifyCheckpoint,
} from '@scelle/log'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOf, mangled, type Pair, pair, verifyEd25519 } from './keys.ts'

const ORIGIN = 'log.example/1'
const [log, former, w1, w2, w3] = ['log', 'former', 'w1', 'w2', 'w3'].map(pair) as [Pair, Pair, Pair, Pair, Pair]
const root = new Uint8Array(32).fill(7)
const TEXT = checkpointText({ origin: ORIGIN, size: 20_852_163, root })
const witness = (name: string, ...keys: Pair[]): LogPolicy['witnesses'][number] => ({
  name, keys: keys.map((key) => key.witness(name)),
})
const policy: LogPolicy = {
  origin: ORIGIN,
  log: [former.log(ORIGIN), log.log(ORIGIN)],
  witnesses: [witness('w1', w1), witness('w2', w2), witness('w3', w3)],
  quorum: 2,
}

const code = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof LogError) return error.code
    throw error
  }
  return 'accepted'
}

describe('the text', () => {
  test('of the standard’s example is read', () => {
    const example = 'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n'
    const read = parseCheckpoint(example)
    expect(read).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20_852_163, extensions: [] })
    expect(checkpointText(read)).toBe(example)
  })

  test('is read as it was written, in one form; changed, it is refused or another', () => {
    const checkpoint = fc.record({
      origin: fc.stringMatching(/^[\u0020-\ud7ff]+$/u),
      size: fc.maxSafeNat(),
      root: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    })
    fc.assert(fc.property(checkpoint, fc.constantFrom('change', 'remove', 'insert'), fc.nat(), fc.nat(),
      (value, how, at, by) => {
        const written = checkpointText(value)
        expect(parseCheckpoint(written)).toEqual({ ...value, extensions: [] })
        const other = Buffer.from(mangled(bytesOf(written), how, at, by)).toString('utf8')
        if (code(() => parseCheckpoint(other)) !== 'accepted') return
        const { extensions, ...read } = parseCheckpoint(other)
        expect(checkpointText(read) + extensions.map((line) => `${line}\n`).join('')).toBe(other)
        expect(other).not.toBe(written)
      }))
  })

  test('has at least three lines, none empty, and no other numbers or hashes', () => {
    const hash = toBase64(root)
    for (const bad of [
      '', '\n', 'o\n', 'o\n1\n', `o\n1\n${hash}`, `\n1\n${hash}\n`, `o\n\n${hash}\n`, `o\n01\n${hash}\n`,
      `o\n-1\n${hash}\n`, `o\n9007199254740992\n${hash}\n`,
      `o\n+1\n${hash}\n`, `o\n1.0\n${hash}\n`, `o\n1e3\n${hash}\n`, `o\n 1\n${hash}\n`, `o\n0x1\n${hash}\n`,
      `o\n1\n${hash.slice(0, -2)}\n`, `o\n1\n${hash}=\n`, `o\n1\n${toBase64(root.subarray(1))}\n`, `o\n1\n${hash}\n\n`,
      `o\n1\n${hash}\n\nx\n`, `o\n1\n${hash}\n${'x\n'.repeat(17)}`, `o\t\n1\n${hash}\n`, `o\n1\n${hash}\nx\r\n`,
      `o\n١\n${hash}\n`,
    ]) expect(code(() => parseCheckpoint(bad)), JSON.stringify(bad)).toBe('checkpoint-malformed')
    expect(parseCheckpoint(`o\n9007199254740991\n${hash}\nx\n— y z\n`).extensions).toEqual(['x', '— y z'])
    expect(parseCheckpoint(`o\n0\n${hash}\n`).size).toBe(0)
  })

  test('is not written where it would be read as something else', () => {
    const good = { origin: 'o', size: 1, root }
    for (const change of [
      { origin: '' }, { origin: 'o\n5' }, { origin: 'o\r' }, { size: -1 }, { size: 1.5 }, { size: 2 ** 53 },
      { size: Number.NaN }, { root: root.subarray(1) },
    ]) expect(code(() => checkpointText({ ...good, ...change })), JSON.stringify(change)).toBe('checkpoint-malformed')
  })
})

const byLog = await signNote(TEXT, log.log(ORIGIN), log.sign)
const by = (name: string, key: Pair, time = 1_700_000_000): Promise<NoteSignature> =>
  cosignNote(TEXT, time, key.witness(name), key.sign)
const [c1, c2, c3] = [await by('w1', w1), await by('w2', w2, 1_700_000_009), await by('w3', w3)]

describe('a checkpoint', () => {
  const signed = (...signatures: readonly NoteSignature[]): Uint8Array => formatNote({ text: TEXT, signatures })
  const check = (bytes: Uint8Array, change: Partial<LogPolicy> = {}): ReturnType<typeof verifyCheckpoint> =>
    verifyCheckpoint(bytes, { ...policy, ...change }, verifyEd25519)

  test('is accepted with a quorum, and tells who cosigned it when', async () => {
    const found = await check(signed(byLog, c1, c2))
    expect(found).toMatchObject({ origin: ORIGIN, size: 20_852_163, root })
    expect([...found.cosigned]).toEqual([['w1', 1_700_000_000], ['w2', 1_700_000_009]])
    expect((await check(signed(byLog, c1, c2, c3), { quorum: 3 })).cosigned.size).toBe(3)
    expect((await check(signed(byLog), { quorum: 0 })).cosigned.size).toBe(0)
    expect((await check(signed(await signNote(TEXT, former.log(ORIGIN), former.sign), c1, c3))).size).toBe(20_852_163)
  })

  test('is refused without a quorum, or without the witness that must be among them', async () => {
    const insufficient = { code: 'cosignatures-insufficient' }
    await expect(check(signed(byLog, c1))).rejects.toMatchObject(insufficient)
    await expect(check(signed(byLog, c1, c1))).rejects.toMatchObject(insufficient)
    await expect(check(signed(byLog, c1, c2), { quorum: 3 })).rejects.toMatchObject(insufficient)
    await expect(check(signed(byLog, c1, c2), { quorum: Number.NaN })).rejects.toMatchObject(insufficient)
    await expect(check(signed(byLog, c1, c2), { required: 'w3' })).rejects.toMatchObject(insufficient)
    await expect(check(signed(byLog, c1, c2), { required: 'w4' })).rejects.toMatchObject(insufficient)
    expect((await check(signed(byLog, c1, c2), { required: 'w2' })).cosigned.has('w2')).toBe(true)
    const stranger = await by('w4', pair('w4'))
    await expect(check(signed(byLog, c1, stranger))).rejects.toMatchObject(insufficient)
  })

  test('counts a cosignature once, though another witness registered the key that made it', async () => {
    // The message of version 1 does not name its witness, so the line can be written again under another name.
    const lent = { witnesses: [witness('w1', w1), witness('w2', w2, w1), witness('w3', w3)] }
    const relabelled = await by('w2', w1)
    expect(relabelled.signature).toEqual(c1.signature)
    const insufficient = { code: 'cosignatures-insufficient' }
    await expect(check(signed(byLog, c1, relabelled), lent)).rejects.toMatchObject(insufficient)
    expect((await check(signed(byLog, c1, relabelled, c3), lent)).cosigned.size).toBe(3)
    expect((await check(signed(byLog, c1, c2, c3), { ...lent, quorum: 3 })).cosigned.size).toBe(3)
  })

  test('of a witness that changed its key is cosigned at the later of its times', async () => {
    const rotated = { witnesses: [witness('w1', w1, w2), witness('w3', w3)] }
    const [old, now] = [await by('w1', w1, 5), await by('w1', w2, 9)]
    expect((await check(signed(byLog, old, now, c3), rotated)).cosigned.get('w1')).toBe(9)
    expect((await check(signed(byLog, old, c3), rotated)).cosigned.get('w1')).toBe(5)
  })

  test('is the log’s own: its witnesses alone, another log or another origin do not make one', async () => {
    await expect(check(signed(c1, c2, c3))).rejects.toMatchObject({ code: 'checkpoint-unsigned' })
    const foreign = await signNote(TEXT, w1.log(ORIGIN), w1.sign)
    await expect(check(signed(foreign, c1, c2))).rejects.toMatchObject({ code: 'checkpoint-unsigned' })
    const unknown = { code: 'origin-unknown' }
    await expect(check(signed(byLog, c1, c2), { origin: 'log.example/2' })).rejects.toMatchObject(unknown)
    const other = checkpointText({ origin: 'log.example/2', size: 0, root: EMPTY_ROOT })
    const elsewhere = formatNote({ text: other, signatures: [await signNote(other, log.log(ORIGIN), log.sign)] })
    await expect(check(elsewhere, { quorum: 0 })).rejects.toMatchObject(unknown)
  })

  test('with one byte changed, added or removed is refused, unless in a line that counts for nothing', async () => {
    const bytes = signed(byLog, c1, c2)
    await fc.assert(fc.asyncProperty(fc.constantFrom('change', 'remove', 'insert'), fc.nat(), fc.nat(),
      async (how, at, change) => {
        await expect(check(mangled(bytes, how, at, change))).rejects.toBeInstanceOf(LogError)
      }), { numRuns: 500 })
    const unknown = { name: 'x', keyId: new Uint8Array(4), signature: new Uint8Array(9) }
    expect((await check(signed(unknown, byLog, unknown, c1, c2))).cosigned.size).toBe(2)
  })

  test('with a false cosignature of a known witness is refused whole', async () => {
    const bad = { ...c3, signature: c3.signature.with(20, 0) }
    await expect(check(signed(byLog, c1, c2, bad))).rejects.toMatchObject({ code: 'signature-invalid' })
  })
})
