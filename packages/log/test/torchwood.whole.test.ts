/**
 * Our logs before other people's tools, unmodified, and theirs before ours. `spicy` checks the log's own signature and
 * the path to its root; it knows no witnesses, so cosignatures are shown to our own parser and by `litewitness` alone.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  checkpointText, consistencyProof, cosignNote, decideCosignature, EMPTY_ROOT, formatAddCheckpoint, formatKey,
  formatNote, formatProof, inclusionProof, type LogPolicy, type NoteSignature, parseKey, parseNote, parseProof,
  parseSignatures, signNote, type Tree, verifyCheckpoint, verifyProof, WITNESS_STATUS,
} from '@scelle/log'
import { afterAll, describe, expect, test } from 'vitest'
import { bytesOf, pair, text, verifyEd25519 } from './keys.ts'
import { NaiveTree } from './naive.ts'
import { hasSpicy, hasWitness, type LiteWitness, runSpicy, spicyAccepts, startWitness } from './torchwood.ts'

const ORIGIN = 'scelle.health/index/0707'
const [log, other, witness] = [pair('log'), pair('other'), pair('witness')]
const tree = NaiveTree.of(70_000)
const forked = new NaiveTree(tree.entries.with(5, bytesOf('another history')))
const folder = mkdtempSync(join(tmpdir(), 'scelle-torchwood-'))
afterAll(() => rmSync(folder, { recursive: true }))

const signed = async (
  size: number, { of = tree, origin = ORIGIN, by = log, more = [] as NoteSignature[] } = {},
): Promise<Uint8Array> => {
  const written = checkpointText({ origin, size, root: size === 0 ? EMPTY_ROOT : of.root(size) })
  return formatNote({ text: written, signatures: [await signNote(written, by.log(ORIGIN), by.sign), ...more] })
}

describe.skipIf(!hasSpicy)('spicy', () => {
  /** It wants the lines below the header. */
  const proofOf = async (index: number, size: number, checkpoint?: Uint8Array): Promise<string> => {
    const hashes = await inclusionProof(index, size, tree.nodes)
    const proof = text(formatProof({ index, hashes, checkpoint: checkpoint ?? (await signed(size)) }))
    return proof.slice(proof.indexOf('\n') + 1)
  }
  const accepts = (index: number, proof: string, key = log.log(ORIGIN)): boolean =>
    spicyAccepts(folder, formatKey(key), tree.entries[index] as Uint8Array, proof)

  test.each([
    [0, 1], [0, 2], [1, 2], [2, 3], [6, 7], [255, 256], [0, 257], [256, 257], [511, 512], [300, 1_000],
    [65_535, 65_537], [65_536, 65_537], [69_998, 70_000], [123, 70_000],
  ])('accepts our proof of entry %i in a tree of %i, and of no other entry', async (index, size) => {
    const proof = await proofOf(index, size)
    expect(accepts(index, proof)).toBe(true)
    expect(accepts(index + 1, proof)).toBe(false)
  })

  test('accepts a checkpoint with cosignatures beside', async () => {
    const written = checkpointText({ origin: ORIGIN, size: 1_000, root: tree.root(1_000) })
    const more = [await cosignNote(written, 1_700_000_000, witness.witness('w.example'), witness.sign)]
    expect(accepts(300, await proofOf(300, 1_000, await signed(1_000, { more })))).toBe(true)
  })

  test('refuses what was tampered with: place, path, size, root, origin, signature, key', async () => {
    const proof = await proofOf(300, 1_000)
    expect(accepts(300, proof)).toBe(true)
    const lines = proof.split('\n')
    const hashes = lines.indexOf('') - 1
    const changed = (line: number, how: (line: string) => string): void => {
      const tampered = lines.with(line, how(lines[line] ?? '')).join('\n')
      expect(tampered).not.toBe(proof)
      expect(accepts(300, tampered), `line ${line}`).toBe(false)
    }
    const letter = (at: number) => (line: string): string =>
      `${line.slice(0, at)}${line[at] === 'A' ? 'B' : 'A'}${line.slice(at + 1)}`
    changed(0, () => 'index 301')
    changed(0, () => 'index 44')
    for (let at = 1; at <= hashes; at++) changed(at, letter(5))
    changed(hashes + 2, (line) => `${line}8`)
    changed(hashes + 3, () => '1001')
    changed(hashes + 4, letter(7))
    changed(hashes + 6, (line) => letter(line.length - 20)(line))
    expect(accepts(300, lines.toSpliced(2, 1).join('\n'))).toBe(false)
    expect(accepts(300, lines.toSpliced(2, 0, lines[2] ?? '').join('\n'))).toBe(false)
    expect(accepts(300, proof, other.log(ORIGIN))).toBe(false)
    expect(accepts(300, await proofOf(300, 1_000, await signed(1_000, { of: forked })))).toBe(false)
    expect(accepts(300, await proofOf(300, 1_000, await signed(1_000, { origin: 'elsewhere' })))).toBe(false)
  })

  test('makes proofs that ours accepts, and refuses for another entry', async () => {
    mkdirSync(join(folder, 'assets'))
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of names) writeFileSync(join(folder, name), `content of ${name}`)
    const { ok, said } = runSpicy(folder, '-init', 'spicy.example/log', '-key', 'spicy.key', '-assets', 'assets')
    expect(ok, said).toBe(true)
    const key = parseKey(/Public key: (\S+)/.exec(said)?.[1] ?? '')
    expect(runSpicy(folder, '-key', 'spicy.key', '-assets', 'assets', ...names).ok).toBe(true)
    const policy: LogPolicy = { origin: key.name, log: [key], witnesses: [], quorum: 0 }
    for (const [index, name] of names.entries()) {
      const made = readFileSync(join(folder, `${name}.spicy`), 'utf8')
      const proof = parseProof(bytesOf(`c2sp.org/tlog-proof@v1\n${made}`))
      expect(proof.index).toBe(index)
      const checkpoint = await verifyProof(proof, bytesOf(`content of ${name}`), policy, verifyEd25519)
      expect(checkpoint.size).toBe(5)
      const wrong = verifyProof(proof, bytesOf(`content of ${name}!`), policy, verifyEd25519)
      await expect(wrong).rejects.toMatchObject({ code: 'inclusion-invalid' })
    }
  })
})

describe.skipIf(!hasWitness)('litewitness', () => {
  const known: Pick<LogPolicy, 'origin' | 'log'> = { origin: ORIGIN, log: [log.log(ORIGIN)] }

  /** One request to it and, with what it cosigned before, to our own rules: both must answer alike. */
  const asker = (started: LiteWitness) => {
    let last: Tree | undefined
    return async (old: number, to: number, change: Parameters<typeof signed>[1] & { proof?: Uint8Array[] } = {}) => {
      const { of = tree } = change
      const proof = change.proof ?? (old <= to ? await consistencyProof(old, to, of.nodes) : [])
      const checkpoint = await signed(to, change)
      const answer = await started.post(formatAddCheckpoint({ old, proof, checkpoint }))
      const ours = await decideCosignature({ old, proof, checkpoint }, last, known, verifyEd25519)
      const status = 'cosign' in ours ? 200 : WITNESS_STATUS[ours.refused]
      // Of another root at the same size the standard says 409, and litewitness 0.9.0 that the proof does not hold.
      expect(answer.status).toBe('refused' in ours && ours.refused === 'fork' ? 422 : status)
      if (answer.status === 200) last = { size: to, root: of.root(to) }
      return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text(), checkpoint }
    }
  }

  test('cosigns what goes on, refuses the rest as ours does, and its cosignatures hold', async () => {
    const started = await startWitness(folder, 'witness.example/w', log.log(ORIGIN))
    try {
      expect(started.key).toMatchObject({ name: 'witness.example/w', algorithm: 'cosignature' })
      const ask = asker(started)
      const policy: LogPolicy = { ...known, witnesses: [{ name: 'w', keys: [started.key] }], quorum: 1 }
      const cosigned = async (old: number, to: number): Promise<void> => {
        const { status, body, checkpoint } = await ask(old, to)
        expect(status, body).toBe(200)
        const note = parseNote(checkpoint)
        const both = formatNote({ text: note.text, signatures: [...note.signatures, ...parseSignatures(body)] })
        const found = await verifyCheckpoint(both, policy, verifyEd25519)
        expect(Math.abs((found.cosigned.get('w') ?? 0) - Date.now() / 1_000)).toBeLessThan(600)
      }
      expect(await ask(7, 300)).toMatchObject({ status: 409, type: 'text/x.tlog.size', body: '0\n' })
      await cosigned(0, 7)
      await cosigned(7, 256)
      await cosigned(256, 256)
      await cosigned(256, 70_000 - 1)
      expect(await ask(7, 70_000)).toMatchObject({ status: 409, type: 'text/x.tlog.size', body: '69999\n' })
      expect(await ask(0, 70_000)).toMatchObject({ status: 409, body: '69999\n' })
      expect((await ask(69_999, 70_000, { of: forked })).status).toBe(422)
      expect((await ask(69_999, 70_000, { proof: [] })).status).toBe(422)
      expect((await ask(69_999, 69_999, { of: forked, proof: [] })).status).not.toBe(200)
      expect((await ask(69_999, 300, { proof: [] })).status).toBe(400)
      expect((await ask(69_999, 70_000, { by: other })).status).toBe(403)
      expect((await ask(69_999, 70_000, { origin: 'elsewhere' })).status).toBe(404)
      await cosigned(69_999, 70_000)
    } finally {
      await started.close()
    }
  })
})
