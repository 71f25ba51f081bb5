/** What a partner's grant may enter into the directory: never a name or a vault that this organisation has already. */
import type { GrantNotice } from '@scelle/sdk'
import { beforeEach, expect, test } from 'vitest'
import { Grants, type GrantsOptions } from '../src/grants.ts'
import { bytesOf } from '../src/entry.ts'
import { Records } from '../src/records.ts'
import type { VaultRow } from '../src/store/directory.ts'

const NOW = Date.UTC(2026, 0)
const [PARTNER, STRANGER] = ['aa', 'bb'].map((byte) => byte.repeat(32)) as [string, string]
const [OURS, THEIRS] = ['01', '02'].map((byte) => byte.repeat(32)) as [string, string]

const notice = (vault: string, more: { from?: string; id?: string; state?: GrantNotice['state'] } = {}): GrantNotice =>
  ({
    id: Buffer.from((more.id ?? '11').repeat(32), 'hex'), vault: Buffer.from(vault, 'hex'),
    custodian: Buffer.from(more.from ?? PARTNER, 'hex'), from: Buffer.from(more.from ?? PARTNER, 'hex'),
    categories: 1, until: NOW + 1_000, state: more.state ?? 'in-force',
  })

/** A vault that holds one Patient. */
const recordsOf = (id: string): Records => {
  const records = new Records()
  records.put({
    type: 'Patient', id, version: 1, updated: NOW, category: 'summary', author: PARTNER, handle: '00'.repeat(16),
    deleted: false, bytes: bytesOf(JSON.stringify({ resourceType: 'Patient', id })),
  })
  return records
}

const rows = new Map<string, VaultRow>()
const received = new Set<string>()
let opened: string[] = []
let closed: string[] = []
let ended: string[] = []
let lines: unknown[] = []
beforeEach(() => {
  rows.clear()
  received.clear()
  ;[opened, closed, ended, lines] = [[], [], [], []]
  rows.set(OURS, { vault: OURS, patient: 'Patient/p', origin: 'own' })
})

const grantsOf = (notices: () => GrantNotice[], patientThere: string): Grants => new Grants({
  client: { received: async () => notices() },
  directory: {
    vault: (id: string) => rows.get(id),
    vaultOf: (reference: string) => [...rows.values()].find(({ patient }) => patient === reference)?.vault,
    isReceived: (id: string) => received.has(id), isAccepted: () => false,
    received: () => [...received].flatMap((id) => rows.get(id) ?? []),
    addVault: (row: VaultRow) => {
      rows.set(row.vault, row)
      received.add(row.vault)
    },
    endReceived: ({ vault }: VaultRow) => {
      received.delete(vault)
      ended.push(vault)
    },
    learn: () => undefined,
  },
  charts: {
    begin: () => () => undefined, isOpen: () => true, close: () => undefined,
    closeVault: (vault: string) => closed.push(vault),
    use: async (_: string, vault: string) => {
      opened.push(vault)
      return { records: recordsOf(patientThere) }
    },
  },
  vaults: { stale: () => undefined }, persons: { forget: () => undefined },
  partners: [PARTNER], now: () => NOW, mayEnter: () => true,
  log: (...line: unknown[]) => lines.push(line),
} as unknown as GrantsOptions)

test('a partner\'s patient enters, a stranger\'s is not even opened', async () => {
  await grantsOf(() => [notice(THEIRS, { from: STRANGER })], 'q').look()
  expect([opened, rows.has(THEIRS)]).toEqual([[], false])
  await grantsOf(() => [notice(THEIRS)], 'q').look()
  expect(rows.get(THEIRS)).toMatchObject({ patient: 'Patient/q', origin: 'granted' })
})

test('a partner\'s patient of a name that is ours is set aside: our records stay where they are', async () => {
  await grantsOf(() => [notice(THEIRS)], 'p').look()
  expect([rows.has(THEIRS), rows.size]).toEqual([false, 1])
  expect(lines).toEqual([['granted-vault-set-aside', { reason: 'patient-known' }]])
})

test('a grant back on our own vault makes it nobody else\'s: its end would take our patient away', async () => {
  let state: GrantNotice['state'] = 'in-force'
  const grants = grantsOf(() => [notice(OURS, { state })], 'p')
  await grants.look()
  state = 'revoked'
  await grants.look()
  expect([rows.get(OURS)?.origin, opened, ended]).toEqual(['own', [], []])
})

test('the end of the last grant closes what is open of it, in every session, without waiting for news', async () => {
  let state: GrantNotice['state'] = 'in-force'
  const grants = grantsOf(() => [notice(THEIRS, { state })], 'q')
  await grants.look()
  closed = []
  await grants.look()
  expect([closed, ended]).toEqual([[], []])
  state = 'revoked'
  await grants.look()
  expect([closed, ended]).toEqual([[THEIRS], [THEIRS]])
})

test('one of several grants that ends takes nothing while another one holds', async () => {
  let state: GrantNotice['state'] = 'in-force'
  const grants = grantsOf(() => [notice(THEIRS, { state }), notice(THEIRS, { id: '12' })], 'q')
  await grants.look()
  state = 'revoked'
  await grants.look()
  expect([ended, Object.keys(rows.get(THEIRS)?.grants ?? {})]).toEqual([[], ['12'.repeat(32)]])
})
