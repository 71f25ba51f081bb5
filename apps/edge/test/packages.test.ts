/** Packages of profiles as an operator lays them down, good and hostile. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EDGE_LIMITS } from '../src/limits.ts'
import { loadPackages } from '../src/packages/load.ts'
import { filesInTarball } from '../src/packages/tarball.ts'

const photographed = JSON.stringify({
  resourceType: 'StructureDefinition', url: 'https://example.org/photographed', name: 'Photographed',
  type: 'Patient', kind: 'resource', derivation: 'constraint',
  baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Patient',
  differential: { element: [{ id: 'Patient.photo', path: 'Patient.photo', min: 1 }] },
})

interface Member {
  readonly name: string
  readonly body?: string
  readonly kind?: string
  readonly size?: string
}

/** A tar archive byte for byte, so that it can be wrong. */
const tar = (members: readonly Member[], end = true): Buffer => {
  const blocks = members.flatMap(({ name, body = '', kind = '0', size }) => {
    const header = Buffer.alloc(512)
    header.write(name.slice(0, 100), 0)
    header.write(size ?? `${Buffer.byteLength(body).toString(8).padStart(11, '0')}\0`, 124)
    header.write(kind, 156)
    header.write('ustar\0', 257)
    header.write('        ', 148)
    const sum = header.reduce((total, byte) => total + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const padded = Buffer.alloc(Math.ceil(Buffer.byteLength(body) / 512) * 512)
    padded.write(body)
    return [header, padded]
  })
  return gzipSync(Buffer.concat([...blocks, ...(end ? [Buffer.alloc(1024)] : [])]))
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scelle-packages-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const write = (name: string, bytes: string | Uint8Array): string => {
  const path = join(folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, bytes)
  return path
}
const loaded = (...paths: readonly string[]): number => loadPackages(paths).report.profiles
const archive = (name: string, members: readonly Member[], end?: boolean): string => write(name, tar(members, end))
const good: Member = { name: 'package/StructureDefinition-photographed.json', body: photographed }

describe('good packages', () => {
  test('as an archive', () => expect(loaded(archive('good.tgz', [good]))).toBe(1))

  test('as a folder', () => {
    write('plain/StructureDefinition-photographed.json', photographed)
    write('plain/README.txt', 'x')
    expect(loaded(join(folder, 'plain'))).toBe(1)
  })

  test('several together, one resting on the other', () => {
    const derived = photographed.replaceAll('photographed', 'derived')
      .replace('http://hl7.org/fhir/StructureDefinition/Patient', 'https://example.org/photographed')
    const first = archive('derived.tgz', [{ ...good, body: derived }])
    expect(loaded(first, archive('base.tgz', [good]))).toBe(2)
    expect(loadPackages([first]).report.setAside).toEqual([
      'https://example.org/derived: its base is not loaded, and it has no snapshot',
    ])
  })

  test('long names, in pax and in GNU form', () => {
    const long = `package/StructureDefinition-${'x'.repeat(200)}.json`
    const record = ` path=${long}\n`
    const pax = `${record.length + 3}${record}`
    expect(loaded(archive('pax.tgz', [{ name: 'PaxHeader', kind: 'x', body: pax }, { ...good, name: 'cut' }]))).toBe(1)
    expect(loaded(archive('gnu.tgz', [{ name: '././@LongLink', kind: 'L', body: long }, { ...good, name: 'cut' }])))
      .toBe(1)
  })

  test('what is no definition, or stands in another folder, is not read', () => {
    expect(loaded(archive('others.tgz', [
      { name: 'package/', kind: '5' }, { name: 'package/package.json', body: 'not json' },
      { name: 'package/example/StructureDefinition-x.json', body: 'not json' }, good,
    ]))).toBe(1)
  })
})

describe('hostile packages are refused, by path', () => {
  test.each<[string, () => string, string]>([
    ['a symbolic link in an archive', () => archive('link.tgz', [{ name: 'package/x', kind: '2' }, good]), 'links'],
    ['a hard link', () => archive('hard.tgz', [{ name: 'package/x', kind: '1' }]), 'links'],
    ['a device', () => archive('device.tgz', [{ name: 'package/x', kind: '3' }]), 'links'],
    ['no gzip', () => write('raw.tgz', 'x'), 'not a gzipped archive'],
    ['cut off', () => archive('cut.tgz', [{ ...good, size: '00077777777' }]), 'cut off'],
    ['without an end', () => archive('endless.tgz', [good], false), 'no end'],
    ['a negative size', () => archive('negative.tgz', [{ ...good, size: '-0000000001' }]), 'damaged'],
    ['a bomb', () => write('bomb.tgz', gzipSync(Buffer.alloc(EDGE_LIMITS.packageBytes + 1))), 'too large'],
    ['JSON that is none', () => archive('bad.tgz', [{ ...good, body: '{' }]), 'not JSON'],
    ['a member twice', () => archive('twice.tgz', [{ ...good, body: '{"url":"a","url":"b"}' }]), 'not JSON'],
    ['JSON too deep', () => archive('deep.tgz', [{ ...good, body: '['.repeat(500) + ']'.repeat(500) }]), 'not JSON'],
    ['nowhere', () => join(folder, 'nowhere'), 'cannot be read'],
  ])('%s', (_, make, message) => {
    const path = make()
    expect(() => loadPackages([path])).toThrow(message)
    expect(() => loadPackages([path])).toThrow(path)
  })

  test('a link in a folder', () => {
    const outside = write('outside.json', photographed)
    mkdirSync(join(folder, 'linked'))
    symlinkSync(outside, join(folder, 'linked/StructureDefinition-x.json'))
    expect(() => loadPackages([join(folder, 'linked')])).toThrow('a link')
  })

  test('names that lead out lead nowhere: nothing is written, and they are no definitions', () => {
    const out = { ...good, name: '../../StructureDefinition-x.json' }
    expect(loaded(archive('slip.tgz', [out, { ...good, name: '/etc/x' }]))).toBe(0)
  })

  test('a header that was changed', () => {
    const bytes = Buffer.concat([Buffer.alloc(512, 'x'), Buffer.alloc(1024)])
    expect(() => [...filesInTarball(gzipSync(bytes))]).toThrow('damaged')
  })
})
