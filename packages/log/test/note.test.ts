/** Signed notes, keys and signature lines: c2sp.org/signed-note and c2sp.org/tlog-cosignature, rule by rule. */
import {
  cosignNote, formatKey, formatNote, formatSignature, fromBase64, heldSignatures, isKeyName, keyId, LOG_LIMITS,
  LogError, type Note, type NoteSignature, parseKey, parseNote, parseSignatures, signNote, toBase64,
} from '@scelle/log'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOf, mangled, pair, text, verifyEd25519 } from './keys.ts'

const alice = pair('alice')
const bob = pair('bob')
const TEXT = 'log.example/1\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n'

const code = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof LogError) return error.code
    throw error
  }
  return 'accepted'
}

describe('base64', () => {
  test('is that of node:crypto', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
      expect(fromBase64(toBase64(bytes), 'note-malformed')).toEqual(bytes)
    }))
  })

  test('is read where node:crypto reads and writes the same, and nowhere else', () => {
    const letters = fc.string({ unit: fc.constantFrom(...Array.from('AQgwBE/+9z=-_ é\n')), maxLength: 9 })
    fc.assert(fc.property(letters, (written) => {
      const bytes = Buffer.from(written, 'base64')
      const one = bytes.toString('base64') === written
      expect(code(() => fromBase64(written, 'note-malformed'))).toBe(one ? 'accepted' : 'note-malformed')
      if (one) expect(fromBase64(written, 'note-malformed')).toEqual(new Uint8Array(bytes))
    }), { numRuns: 20_000 })
  })

  test('has one form', () => {
    const others = ['A', 'AA', 'AAA', 'AAAA=', 'AB==', 'AAB=', '=', '==', '====', 'AA=A', 'A A=', 'AA==\n', '_-8=']
    for (const written of others) {
      expect(code(() => fromBase64(written, 'note-malformed')), written).toBe('note-malformed')
    }
    expect(fromBase64('', 'note-malformed')).toHaveLength(0)
  })
})

describe('keys', () => {
  // The key and note of the documentation of Go's golang.org/x/mod/sumdb/note, and the key of Go's checksum database.
  const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
  const SUMDB = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'

  test('are read and written as others write them', () => {
    for (const key of [PETER, SUMDB]) expect(formatKey(parseKey(key))).toBe(key)
  })

  test('a note that others signed holds', async () => {
    const note = parseNote(bytesOf(
      'If you think cryptography is the answer to your problem,\n' +
      "then you don't know what your problem is.\n\n" +
      '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
    ))
    expect(await heldSignatures(note, [parseKey(PETER)], verifyEd25519)).toHaveLength(1)
  })

  test('of both kinds have different ids', () => {
    const [log, witness] = [alice.log('a.example'), alice.witness('a.example')]
    expect(keyId(log)).not.toEqual(keyId(witness))
    for (const key of [log, witness]) expect(parseKey(formatKey(key))).toEqual(key)
  })

  test('with one character changed are no keys, or another name’s with its own id', () => {
    const written = formatKey(alice.witness('a.example'))
    fc.assert(fc.property(fc.constantFrom('change', 'remove', 'insert'), fc.nat(), fc.nat(), (how, at, by) => {
      const other = Buffer.from(mangled(bytesOf(written), how, at, by)).toString('latin1')
      expect(code(() => parseKey(other))).toBe('key-malformed')
    }))
    const unknown = `a+${'0'.repeat(8)}+${toBase64(Uint8Array.of(6, ...new Uint8Array(32)))}`
    expect(code(() => parseKey(unknown))).toBe('key-malformed')
    expect(code(() => parseKey(''))).toBe('key-malformed')
  })

  test('have names without spaces and plus signs', () => {
    for (const name of ['a', 'example.com/log42', 'é', '—', 'a\u{feff}b']) expect(isKeyName(name), name).toBe(true)
    const bad = ['', ' ', 'a b', 'a+b', 'a\nb', 'a\tb', 'a\u0000', 'a\u0085b', 'a\u00a0b', 'a\u2003b', 'a\u3000b']
    for (const name of bad) expect(isKeyName(name), JSON.stringify(name)).toBe(false)
  })
})

const line = fc.record({
  name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter(isKeyName),
  keyId: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  signature: fc.uint8Array({ minLength: 1, maxLength: 90 }),
})
const noteOf = fc.record({
  text: fc.array(fc.stringMatching(/^[\u0020-\ud7ff]*$/u), { minLength: 1, maxLength: 6 })
    .map((lines) => `${lines.join('\n')}\n`),
  signatures: fc.array(line, { minLength: 1, maxLength: 5 }),
})

describe('notes', () => {
  test('are read as they were written, in one form', () => {
    fc.assert(fc.property(noteOf, (note) => {
      const bytes = formatNote(note)
      expect(parseNote(bytes)).toEqual(note)
      expect(formatNote(parseNote(bytes))).toEqual(bytes)
    }))
  })

  test('with one byte changed, added or removed are refused, or are another note in its one form', () => {
    fc.assert(fc.property(noteOf, fc.constantFrom('change', 'remove', 'insert'), fc.nat(), fc.nat(),
      (note, how, at, by) => {
        const other = mangled(formatNote(note), how, at, by)
        if (code(() => parseNote(other)) !== 'accepted') return
        expect(parseNote(other)).not.toEqual(note)
        expect(formatNote(parseNote(other))).toEqual(other)
      }), { numRuns: 1_000 })
  })

  test('are a text, an empty line, signature lines', () => {
    const good = '— a AAAAAAA=\n'
    for (const bad of [
      '', '\n', 'x', 'x\n', 'x\n\n', 'x\n\n\n', `x\n${good}`, `\n${good}`, `x${good}`, `x\n\n${good.trimEnd()}`,
      `x\n\n${good}y\n`, `x\n\n${good}\n`, `x\n\n— a b AAAAAAA=\n`, 'x\n\n- a AAAAAAA=\n', 'x\n\n—  AAAAAAA=\n',
      'x\n\n— a AAAA\n', 'x\n\n— a AAAAAA==\n', 'x\n\n— a AAAAAAB=\n', 'x\n\n— a+b AAAAAAA=\n',
      'x\n\n— a\u00a0b AAAAAAA=\n', 'x\n\n—a AAAAAAA=\n', 'x\n\n— a AAAAAAA= \n',
      `x\t\n\n${good}`, `x\r\n\n${good}`, `x\u0000\n\n${good}`,
      'x\n\n— a\u0001 AAAAAAA=\n',
    ]) expect(code(() => parseNote(bytesOf(bad))), JSON.stringify(bad)).toBe('note-malformed')
    expect(parseNote(bytesOf(`x\n\n${good}`)).text).toBe('x\n')
    // The text may hold empty lines, and what looks like a signature: the last empty line is where it ends.
    expect(parseNote(bytesOf(`\n\n${good}`)).text).toBe('\n')
    expect(parseNote(bytesOf(`x\n\n${good}\n${good}`))).toMatchObject({ text: `x\n\n${good}` })
    // Above U+0020 nothing is a control character to the standard.
    expect(parseNote(bytesOf(`\u007f\u0085\u{feff}\n\n${good}`)).text).toBe('\u007f\u0085\u{feff}\n')
  })

  test('are UTF-8', () => {
    const bytes = bytesOf('x\n\n— a AAAAAAA=\n')
    for (const bad of [0x80, 0xc0, 0xff]) {
      expect(code(() => parseNote(bytes.with(0, bad)))).toBe('note-malformed')
    }
    const surrogate = Uint8Array.of(0xed, 0xa0, 0x80, ...bytes)
    expect(code(() => parseNote(surrogate))).toBe('note-malformed')
  })

  test('have an end: sixteen of the longest signatures are few enough, and 65 lines are too many', async () => {
    const post = (i: number): NoteSignature => ({
      name: `witness.example/${i}`, keyId: Uint8Array.of(0, 0, 0, i), signature: new Uint8Array(5_000).fill(i),
    })
    const sixteen = formatNote({ text: TEXT, signatures: Array.from({ length: 16 }, (_, i) => post(i)) })
    expect(parseNote(sixteen).signatures).toHaveLength(16)
    const lines = (count: number): string => formatSignature({ ...post(0), signature: Uint8Array.of(1) }).repeat(count)
    expect(parseSignatures(lines(LOG_LIMITS.signatures))).toHaveLength(LOG_LIMITS.signatures)
    expect(code(() => parseSignatures(lines(LOG_LIMITS.signatures + 1)))).toBe('note-malformed')
    const long = new Uint8Array(LOG_LIMITS.note + 1)
    expect(code(() => parseNote(long))).toBe('note-malformed')
  })

  test('are not written where they could be read as something else', () => {
    const signature = { name: 'a', keyId: new Uint8Array(4), signature: new Uint8Array(1) }
    const refused = (note: Note): void => expect(code(() => formatNote(note))).toBe('note-malformed')
    refused({ text: 'x', signatures: [signature] })
    refused({ text: 'x\t\n', signatures: [signature] })
    refused({ text: 'x\n', signatures: [] })
    refused({ text: 'x\n', signatures: [{ ...signature, name: 'a b' }] })
    refused({ text: 'x\n', signatures: [{ ...signature, name: 'a AAAAAAA=\n— b' }] })
    refused({ text: 'x\n', signatures: [{ ...signature, keyId: new Uint8Array(5) }] })
  })
})

describe('signatures', () => {
  const held = async (signatures: readonly NoteSignature[], keys = [alice.log('a'), bob.log('b')]): Promise<string[]> =>
    (await heldSignatures({ text: TEXT, signatures }, keys, verifyEd25519)).map(({ key: { name } }) => name)

  test('hold for the text, the name and the key that they were made for', async () => {
    const one = await signNote(TEXT, alice.log('a'), alice.sign)
    const two = await signNote(TEXT, bob.log('b'), bob.sign)
    expect(await held([one, two])).toEqual(['a', 'b'])
    expect(await held([two])).toEqual(['b'])
    await expect(heldSignatures({ text: `${TEXT}x\n`, signatures: [one] }, [alice.log('a')], verifyEd25519))
      .rejects.toMatchObject({ code: 'signature-invalid' })
  })

  test('of unknown keys are ignored, even if they share a name or an id with one that is known', async () => {
    const one = await signNote(TEXT, alice.log('a'), alice.sign)
    const junk = new Uint8Array(64)
    const strangers = [
      { name: 'c', keyId: Uint8Array.of(1, 2, 3, 4), signature: Uint8Array.of(9) },
      { name: 'a', keyId: Uint8Array.of(1, 2, 3, 4), signature: junk },
      { name: 'c', keyId: one.keyId, signature: junk },
    ]
    expect(await held([...strangers, one])).toEqual(['a'])
    expect(await held(strangers)).toEqual([])
  })

  test('of a known key that do not hold have the note refused, whoever else signed it', async () => {
    const one = await signNote(TEXT, alice.log('a'), alice.sign)
    const two = await signNote(TEXT, bob.log('b'), bob.sign)
    const others = [new Uint8Array(64), new Uint8Array(1), mangled(two.signature, 'remove', 3, 0), one.signature]
    for (const signature of others) {
      await expect(held([one, { ...two, signature }])).rejects.toMatchObject({ code: 'signature-invalid' })
    }
  })

  test('that are there twice count once, the first of them', async () => {
    const one = await signNote(TEXT, alice.log('a'), alice.sign)
    const bad = { ...one, signature: new Uint8Array(64) }
    expect(await held([one, one, bad])).toEqual(['a'])
    await expect(held([bad, one])).rejects.toMatchObject({ code: 'signature-invalid' })
  })

  test('hold where another key of the same name has their id: four bytes can be made to meet', async () => {
    const one = await signNote(TEXT, alice.log('a'), alice.sign)
    const names: string[] = []
    // Two keys with one id take 2^32 tries. The check sees an id of the second key that is the first's.
    const [first, second] = [alice.log('a'), bob.log('a')]
    const meeting = { ...second, get key() { return names.push('read') === 1 ? first.key : second.key } }
    const found = await heldSignatures({ text: TEXT, signatures: [one] }, [meeting, first], verifyEd25519)
    expect(found).toHaveLength(1)
    expect(names.length).toBeGreaterThan(1)
  })
})

describe('cosignatures', () => {
  const witness = alice.witness('w.example')
  const held = async (signature: Uint8Array, written = TEXT): Promise<number | undefined> => {
    const signatures = [{ name: witness.name, keyId: keyId(witness), signature }]
    const [one] = await heldSignatures({ text: written, signatures }, [witness], verifyEd25519)
    return one?.time
  }
  const stamped = (time: bigint, signature: Uint8Array): Uint8Array => {
    const bytes = new Uint8Array(72)
    new DataView(bytes.buffer).setBigUint64(0, time)
    bytes.set(signature, 8)
    return bytes
  }

  test('cover their time and the text, as the standard writes the message', async () => {
    const time = 1_679_315_147
    const { signature } = await cosignNote(TEXT, time, witness, alice.sign)
    expect(signature).toEqual(stamped(BigInt(time), await alice.sign(bytesOf(`cosignature/v1\ntime ${time}\n${TEXT}`))))
    expect(await held(signature)).toBe(time)
    const later = stamped(BigInt(time + 1), signature.subarray(8))
    await expect(held(later)).rejects.toMatchObject({ code: 'signature-invalid' })
    await expect(held(signature, `${TEXT}x\n`)).rejects.toMatchObject({ code: 'signature-invalid' })
  })

  test('have times from 0 to what a double counts', async () => {
    for (const time of [0, 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      expect(await held((await cosignNote(TEXT, time, witness, alice.sign)).signature)).toBe(time)
    }
    for (const time of [-1, 0.5, Number.NaN, 2 ** 53]) {
      await expect(cosignNote(TEXT, time, witness, alice.sign)).rejects.toMatchObject({ code: 'note-malformed' })
    }
    for (const time of [2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
      const message = bytesOf(`cosignature/v1\ntime ${time}\n${TEXT}`)
      await expect(held(stamped(time, await alice.sign(message)))).rejects.toMatchObject({ code: 'signature-invalid' })
    }
  })

  test('are not signatures of the log, nor the other way about, under one key', async () => {
    const note = await signNote(TEXT, alice.log('w.example'), alice.sign)
    await expect(held(note.signature)).rejects.toMatchObject({ code: 'signature-invalid' })
    await expect(held(stamped(1n, note.signature))).rejects.toMatchObject({ code: 'signature-invalid' })
    // The key's id tells the kinds apart: each ignores the other's lines.
    const other = await cosignNote(TEXT, 1, witness, alice.sign)
    const both: Note = { text: TEXT, signatures: [note, other] }
    expect(await heldSignatures(both, [alice.log('w.example')], verifyEd25519)).toHaveLength(1)
    expect(text(formatNote(both)).split('\n')).toHaveLength(7)
  })
})
