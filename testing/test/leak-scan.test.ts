import { randomBytes } from 'node:crypto'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { encodingsOf, LeakScan, withoutMagic } from '../src/leak-scan.ts'

const CANARY = 'Élodie Mäkelä-Dubois, séropositive depuis 2019'
const scan = new LeakScan([CANARY, 'Another Person'])
const noise = (length: number): Buffer => randomBytes(length)
const around = (middle: Buffer): Buffer => Buffer.concat([noise(10_000), middle, noise(10_000)])

describe('the scan for leaks', () => {
  it.each(encodingsOf(CANARY))('finds a canary written as %s', (_, bytes) => {
    expect(scan.inBytes(around(bytes), 'x').map((leak) => leak.canary)).toContain(CANARY)
  })

  it.each([0, 1, 2])('finds base64 text that has it %i bytes after a boundary', (before) => {
    const text = Buffer.concat([noise(300 + before), Buffer.from(CANARY), noise(301)]).toString('base64')
    expect(scan.inBytes(Buffer.from(text), 'x')).toHaveLength(1)
    expect(scan.inBytes(Buffer.from(text.replaceAll('+', '-').replaceAll('/', '_')), 'x')).toHaveLength(1)
  })

  const formats = [['zlib', deflateSync], ['gzip', gzipSync], ['zstd', zstdCompressSync]] as const
  it.each(formats)('looks into %s', (format, compress) => {
    const text = Buffer.from(`${'x'.repeat(100)}${CANARY}${'y'.repeat(100)}`)
    const leaks = scan.inEverything(around(compress(text)), 'x')
    expect(leaks.some((leak) => leak.where.includes(format))).toBe(true)
  })

  it('looks into what has no magic number, when told where a value begins', () => {
    const text = Buffer.from(`some words before ${CANARY}`)
    const dictionary = Buffer.from('some words before')
    const prefixed = Buffer.concat([Buffer.alloc(4), deflateRawSync(text, { dictionary }), Buffer.alloc(40)])
    for (const value of [deflateRawSync(text), brotliCompressSync(text), prefixed]) {
      const contents = withoutMagic(value, [dictionary])
      expect(contents.some((content) => scan.inBytes(content, 'x').length > 0)).toBe(true)
    }
  })

  it('finds nothing in ciphertext', () => {
    expect(scan.inEverything(noise(4_000_000), 'x')).toEqual([])
  })
})
