/** One application, several people, one door: each has a session of their own at the edge, and can end it. */
import { readFile } from 'node:fs/promises'
import type { InspectedVault } from '@scelle/index'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { accesses as accessesOf } from '../src/accesses.ts'
import { connectApplication, type Connected } from '../src/connect/command.ts'
import { fhirJson } from '../src/edge-client.ts'
import { urlOf } from '../src/home.ts'
import { inspect } from '../src/inspect.ts'
import { MESSAGES } from '../src/messages.ts'
import { type Parties, startParties } from './parties.ts'

let parties: Parties
let door: Connected
let tokens: string[] = []
beforeAll(async () => {
  parties = await startParties('people')
  door = await connectApplication(parties.io, parties.edge, urlOf(parties.installation, 'edge'), {
    application: 'ward', people: ['alice', 'bob'], port: 0, origins: [],
  })
  tokens = await Promise.all(door.tokenPaths.map(async (path) => (await readFile(path, 'utf8')).trim()))
  const observation = {
    resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'Poids' }, subject: { reference: 'Patient/p' },
  }
  for (const [path, body] of [
    ['Patient/p', { resourceType: 'Patient', id: 'p', name: [{ family: 'Dupont' }] }], ['Observation/o', observation],
  ] as const) {
    await parties.edge('PUT', `/fhir/${path}`, fhirJson(body))
  }
}, 120_000)
afterAll(async () => {
  await door.close()
  await parties.close()
})

const ask = async (person: number, path: string, init: RequestInit = {}): Promise<number> => {
  const headers = { authorization: `Bearer ${tokens[person]}`, ...init.headers as Record<string, string> }
  return (await fetch(`${door.base}/${path}`, { ...init, headers })).status
}

/** Accesses to the vault that the index has on record. */
const accesses = async (): Promise<number> => {
  await inspect(parties.io, parties.edge, 'p', true)
  const found = JSON.parse(parties.said.at(-1) ?? '') as InspectedVault
  return found.parts.reduce((sum, part) => sum + part.accesses.length, 0)
}

it('opens a chart for each of them, and anew after a logout', async () => {
  const [alice, bob] = [0, 1]
  expect(tokens[alice]).not.toBe(tokens[bob])
  const counts: number[] = []
  for (const person of [alice, alice, bob, bob]) {
    expect(await ask(person, 'Observation/o')).toBe(200)
    counts.push(await accesses())
  }
  expect(counts).toEqual([1, 1, 2, 2])
  expect(await ask(alice, '$scelle-logout', { method: 'POST' })).toBe(204)
  expect(await ask(bob, 'Observation/o')).toBe(200)
  expect(await accesses()).toBe(2)
  expect(await ask(alice, 'Observation/o')).toBe(200)
  expect(await accesses()).toBe(3)
})

it('tells who opened it, when and why, as every account of it has it', async () => {
  const from = parties.said.length
  const status = await accessesOf(parties.io, parties.edge, parties.installation, { patient: 'p', json: true })
  const told = parties.said.slice(from).map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(told.filter(({ is }) => is === 'finding')).toEqual([])
  expect(status).toBe(0)
  const people = new Set(told.map(({ person }) => person).filter((person) => person !== undefined))
  expect(people.size).toBe(2)
  expect(told.filter(({ releasedBy }) => (releasedBy as string[] | undefined)?.length === 2).length)
    .toBeGreaterThanOrEqual(3)
  for (const language of ['en', 'fr'] as const) {
    const io = { ...parties.io, language }
    expect(await accessesOf(io, parties.edge, parties.installation, { patient: 'Patient/p', json: false })).toBe(0)
    expect(parties.said.at(-1)).toBe(MESSAGES[language].openings.agreed)
  }
})

it('closes what they had open when the door closes', async () => {
  await door.close()
  const again = await connectApplication(parties.io, parties.edge, urlOf(parties.installation, 'edge'), {
    application: 'ward', people: ['alice'], port: 0, origins: [],
  })
  try {
    const before = await accesses()
    const headers = { authorization: `Bearer ${tokens[0]}` }
    expect((await fetch(`${again.base}/Observation/o`, { headers })).status).toBe(200)
    expect(await accesses()).toBe(before + 1)
  } finally {
    await again.close()
  }
})
