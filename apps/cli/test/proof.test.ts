/** `scelle proof` and `accesses --receipts` by real processes, and what `verify --receipt` says of the files. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decode } from '@scelle/seal/verify'
import { encodeProven, Proven } from '@scelle/wire/proven'
import { parseCommand, run } from '../src/cli.ts'
import { fhirJson } from '../src/edge-client.ts'
import { EXIT } from '../src/errors.ts'
import type { Language } from '../src/messages.ts'
import { type Parties, startParties } from './parties.ts'

let parties: Parties
beforeAll(async () => {
  parties = await startParties('proof')
  const observation = (value: number) => ({
    resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'Poids' }, valueInteger: value,
    subject: { reference: 'Patient/p' },
  })
  for (const [path, body] of [
    ['Patient/p', { resourceType: 'Patient', id: 'p', name: [{ family: 'Dupont' }] }],
    ['Observation/o', observation(64)], ['Observation/o', observation(65)],
  ] as const) {
    await parties.edge('PUT', `/fhir/${path}`, fhirJson(body))
  }
}, 120_000)
afterAll(() => parties.close())

const scelle = async (args: readonly string[], language: Language = 'en') => {
  const from = parties.said.length
  const status = await run({ ...parties.io, language }, parseCommand(args))
  return { status, said: parties.said.slice(from) }
}

const proofOf = async (what: string, name: string): Promise<string> => {
  const path = join(parties.root, name)
  expect(await scelle(['proof', what, '--out', path])).toMatchObject({
    status: EXIT.done, said: [expect.stringContaining(path) as string],
  })
  return path
}

const jsonOf = async (path: string): Promise<{ status: number; told: Record<string, unknown> }> => {
  const { status, said } = await scelle(['verify', '--receipt', path, '--json'])
  return { status, told: JSON.parse(said[0] ?? '{}') as Record<string, unknown> }
}

it('proves the current version of a record, and the one that is named, in plain words', async () => {
  const [current, first] = [await proofOf('Observation/o', 'o'), await proofOf('Observation/o/_history/1', 'o1')]
  const told = [await jsonOf(current), await jsonOf(first)]
  expect(told.map(({ status }) => status)).toEqual([EXIT.done, EXIT.done])
  expect(told.map((one) => one.told)).toMatchObject([
    { status: 'good', kind: 'commit', version: 2, signer: parties.installation.ids.edge },
    { status: 'good', kind: 'commit', version: 1 },
  ])
  const english = await scelle(['verify', '--receipt', current])
  expect(english.said.join('\n')).toMatch(/is this commit.*3 trustees cosigned[^]*version 2[^]*in the name of/)
  const french = await scelle(['verify', '--receipt', current], 'fr')
  expect(french.said.join('\n')).toMatch(/est bien ce dépôt[^]*version 2[^]*au nom de/)
  // Nothing of what is sealed is in the file.
  expect((await readFile(current)).includes('Poids')).toBe(false)
  expect((await stat(current)).size).toBeLessThan(16_384)
})

it('is a patient where a bare id is given; what is not there, and what is no reference, is said', async () => {
  expect((await jsonOf(await proofOf('p', 'p'))).told).toMatchObject({ status: 'good', version: 1 })
  expect((await scelle(['proof', 'Observation/none'])).status).toBe(EXIT.failed)
  for (const what of ['Observation/../o', 'a b', 'Observation/o/_history/0']) {
    expect((await scelle(['proof', what])).status).toBe(EXIT.usage)
  }
})

it('is refused with an octet changed, or with the record or the receipt of another file', async () => {
  const files = [await readFile(await proofOf('Observation/o', 'one')), await readFile(await proofOf('p', 'two'))]
  const [one, two] = files.map((file) => decode(Proven, new Uint8Array(file))) as [Proven, Proven]
  const bytes = encodeProven(one)
  bytes[100] = bytes[100]! ^ 1
  const path = join(parties.root, 'changed')
  const changed = [
    bytes, encodeProven({ ...one, record: two.record! }), encodeProven({ ...one, receipt: two.receipt }),
    encodeProven({ ...one, statement: two.statement }),
  ]
  for (const file of changed) {
    await writeFile(path, file)
    expect(await jsonOf(path)).toMatchObject({ status: EXIT.alarm, told: { status: 'not-proven' } })
  }
})

it('keeps a proof of each opening', async () => {
  expect((await parties.edge('GET', '/fhir/Observation/o')).status).toBe(200)
  const folder = join(parties.root, 'openings')
  await scelle(['accesses', 'p', '--receipts', folder])
  const names = await readdir(folder)
  expect(names.length).toBeGreaterThan(0)
  for (const name of names) {
    expect(name).toMatch(/^\d{8}T\d{9}Z-[0-9a-f]{16}\.proof$/)
    expect(await jsonOf(join(folder, name))).toMatchObject({ status: EXIT.done, told: { kind: 'access' } })
  }
  const said = async (language: Language) =>
    (await scelle(['verify', '--receipt', join(folder, names[0] ?? '')], language)).said.join('\n')
  expect(await said('en')).toMatch(/this opening[^]*opened the records on/)
  expect(await said('fr')).toMatch(/cette ouverture[^]*a ouvert le dossier/)
})
