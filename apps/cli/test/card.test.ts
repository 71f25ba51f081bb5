/** `scelle card` and `scelle emergencies` by real processes: made, opened with all parties gone, told, reviewed. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parseCommand, run } from '../src/cli.ts'
import { fhirJson } from '../src/edge-client.ts'
import { EXIT } from '../src/errors.ts'
import { Home, PARTIES } from '../src/home.ts'
import type { Io } from '../src/io.ts'
import { MESSAGES, type Language } from '../src/messages.ts'
import { type Parties, startParties } from './parties.ts'

let parties: Parties
let file: string
let folder: string
beforeAll(async () => {
  parties = await startParties('card')
  file = join(parties.root, 'marie.card')
  folder = join(parties.root, 'codes')
  for (const [path, body] of [
    ['Patient/p', { resourceType: 'Patient', id: 'p', name: [{ family: 'Dupont', given: ['Marie'] }] }],
    ['AllergyIntolerance/a', {
      resourceType: 'AllergyIntolerance', id: 'a', patient: { reference: 'Patient/p' }, code: { text: 'Pénicilline' },
      clinicalStatus: { coding: [{
        system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active',
      }] },
    }],
  ] as const) {
    await parties.edge('PUT', `/fhir/${path}`, fhirJson(body))
  }
}, 120_000)
afterAll(() => parties.close())

const scelle = async (args: readonly string[], language: Language = 'en', io: Partial<Io> = {}) => {
  const from = parties.said.length
  const complaints: string[] = []
  const terminal = { ...parties.io.terminal, write: (text: string) => complaints.push(text) }
  const status = await run({ ...parties.io, language, terminal, ...io }, parseCommand(args))
  return { status, said: parties.said.slice(from), complaints: complaints.join('') }
}

const notes = (): Promise<string[]> =>
  readdir(parties.io.home.path('emergency', 'notes')).catch(() => [])

const show = (...more: string[]) => ['card', 'show', ...more, '--as', 'camille', '--reason', 'inconsciente']

/** Nobody answers, as where there is no network: the processes are there, and stopped. */
const without = async <T>(work: () => Promise<T>): Promise<T> => {
  for (const party of PARTIES) parties.process(party).kill('SIGSTOP')
  try {
    return await work()
  } finally {
    for (const party of PARTIES) parties.process(party).kill('SIGCONT')
  }
}

it('makes a file, and codes to print, each with its number in words', async () => {
  const made = await scelle(['card', 'make', 'p', '--out', file, '--qr', folder])
  expect(made.status, made.complaints).toBe(EXIT.done)
  expect(made.said.at(-1)).toBe(MESSAGES.en.card.cannotRevoke)
  expect(made.said.join('\n')).toMatch(/scelle revoke [0-9a-f]{64}/)
  const codes = (await readdir(folder)).filter((name) => name.endsWith('.svg'))
  const page = await readFile(join(folder, 'card.html'), 'utf8')
  expect(page).toContain(`<figcaption>Code ${codes.length} of ${codes.length}</figcaption>`)
  expect((await readFile(join(folder, 'card.txt'), 'utf8')).trim().split('\n')).toHaveLength(codes.length)
  expect((await stat(file)).size).toBeGreaterThan(3_000)
  expect((await scelle(['card', 'make', 'nobody', '--out', file])).status).toBe(EXIT.failed)
  expect((await scelle(['card', 'make', 'p'])).status).toBe(EXIT.usage)
})

it('opens the file, and the codes in any order, with nobody there, and notes it first', async () => {
  await without(async () => {
    const opened = await scelle(show(file))
    expect(opened.status, opened.complaints).toBe(EXIT.done)
    expect(opened.said.join('\n')).toContain('Pénicilline')
    expect(opened.complaints).toContain('scelle card report')
    expect(await notes()).toHaveLength(1)

    const lines = (await readFile(join(folder, 'card.txt'), 'utf8')).trim().split('\n')
    const some = join(parties.root, 'some.txt')
    const rest = join(parties.root, 'rest.txt')
    await writeFile(some, lines.slice(1).toReversed().join('\n'))
    await writeFile(rest, `${lines[0]}\r\n${lines[1]}\r\n`)
    const missing = await scelle(show(some), 'fr')
    expect([missing.status, missing.complaints.trim()]).toEqual([EXIT.failed, MESSAGES.fr.card.missing('1')])
    expect(await notes()).toHaveLength(1)
    const json = await scelle([...show(some, rest), '--json'])
    expect((JSON.parse(json.said[0] ?? '{}') as { resourceType?: string }).resourceType).toBe('Bundle')
    expect(await notes()).toHaveLength(2)
  })
})

it('opens nothing without a reason, at another site, or of another file, and leaves no note of it', async () => {
  const before = await notes()
  expect((await scelle(['card', 'show', file, '--as', 'camille'])).status).toBe(EXIT.usage)
  expect((await scelle(['card', 'show', file, '--as', 'camille', '--reason', ' '])).complaints)
    .toContain(MESSAGES.en.card.refused['bad-input'])
  const elsewhere = { home: new Home(join(parties.root, 'elsewhere')) }
  expect((await scelle(show(file), 'en', elsewhere)).complaints).toContain(MESSAGES.en.card.noSite)
  const card = await readFile(file)
  card[card.length - 10] = (card[card.length - 10] as number) ^ 1
  const changed = join(parties.root, 'changed.card')
  await writeFile(changed, card)
  expect((await scelle(show(changed))).complaints).toContain('signature-invalid')
  const late = await scelle(show(file), 'fr', { now: () => Date.now() + 91 * 86_400_000 })
  expect(late.complaints).toContain(MESSAGES.fr.card.refused['card-expired'])
  expect(await notes()).toEqual(before)
})

it('tells them when the network is back: custodian and officer see both, and the officer reviews', async () => {
  expect((await scelle(['emergencies', '--as', 'denis'])).said).toEqual([MESSAGES.en.card.emergencies.none])
  const told = await scelle(['card', 'report', '--as', 'camille'])
  expect(told.status, told.said.join('\n') + told.complaints).toBe(EXIT.done)
  expect(told.said).toHaveLength(2)
  expect(await notes()).toEqual([])
  expect((await scelle(['card', 'report', '--as', 'camille'])).said).toEqual([MESSAGES.en.card.nothingToReport])

  const { said } = await scelle(['accesses', 'p'])
  expect(said.filter((line) => /emergency, without a network on \d{4}-.*: inconsciente/.test(line))).toHaveLength(2)

  const queue = await scelle(['emergencies', '--as', 'denis', '--json'])
  expect(queue.status).toBe(EXIT.partly)
  const broken = queue.said.map((line) => JSON.parse(line) as { access: string; reason: string; reviewed?: string })
  expect(broken).toHaveLength(2)
  for (const { access, reason } of broken) {
    expect(reason).toMatch(/offline .*: inconsciente/)
    const seen = await scelle(['emergencies', 'review', access.slice(0, 12), '--as', 'denis'])
    expect(seen, seen.complaints).toMatchObject({ status: EXIT.done })
  }
  const after = await scelle(['emergencies', '--as', 'denis'], 'fr')
  expect(after.status).toBe(EXIT.done)
  expect(after.said.filter((line) => line.includes('oui, '))).toHaveLength(2)
  expect((await scelle(['emergencies', 'review', 'abcdef12', '--as', 'denis'])).status).toBe(EXIT.failed)
}, 60_000)
