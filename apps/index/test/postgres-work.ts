/** Operations that several processes send to one database. */
import type { Operation, PositionSigner, Store, StoredPosition } from '../src/store.ts'
import { access, capsule, commit, grant, keyRecord, record, statement, vault } from './operations.ts'
import { seeded } from './world.ts'

export interface SharedVault {
  readonly vault: Uint8Array
  readonly custodian: Uint8Array
  readonly category: Uint8Array
}

/** A vault that several processes write to. The same seed gives the same. */
export const sharedVault = (): { operation: Operation; shared: SharedVault } => {
  const random = seeded('shared vault')
  const [custodian, category] = [random(32), random(16)]
  const operation = vault(random, custodian, [category])
  return { operation, shared: { vault: operation.statement.id, custodian, category } }
}

/** What one process does, each list in order, the lists at once. The same seed gives the same. */
export const work = (seed: string, shared: SharedVault, count: number): Operation[][] => {
  const random = seeded(seed)
  const own = Array.from({ length: 3 }, (): Operation[] => {
    const [custodian, reader, category] = [random(32), random(32), random(16)]
    const made = vault(random, custodian, [category])
    const part = { vault: made.statement.id, custodian }
    const given = grant(random, part, { grantee: reader, categories: [category] })
    const operations: Operation[] = [keyRecord(random, custodian, 0), made, given]
    for (let i = 0; i < count; i++) {
      const opened = capsule(random, category)
      operations.push(commit(
        random, { ...part, author: custodian },
        { capsules: [opened], records: [record(random, opened.capsule)] }, { encapsulations: [statement(random)] },
      ))
      if (i % 3 === 0) {
        operations.push(access(random, part, reader, { capsules: [opened.headerHash], chain: [given.statement.id] }))
      }
    }
    return operations
  })
  const together = Array.from({ length: count * 2 }, (): Operation => {
    const opened = capsule(random, shared.category)
    return commit(
      random, { ...shared, author: shared.custodian },
      { capsules: [opened], records: [record(random, opened.capsule)] },
    )
  })
  return [...own, together]
}

/** Never the same twice: a position that is told again must have been stored. */
export const fickleSigner = (seed: string): PositionSigner => {
  const random = seeded(seed)
  let time = 1_768_464_000
  return async (_, sequence, salt) => ({ sequence, salt, time: time++, keyVersion: 0, signature: random(64) })
}

/** The lists at once, each in order. */
export const run = async (
  store: Store, lists: readonly Operation[][], told: (operation: Operation, position: StoredPosition) => void,
): Promise<void> => {
  await Promise.all(lists.map(async (list) => {
    for (const operation of list) {
      const [outcome] = await store.apply([operation])
      if (outcome === undefined || 'problem' in outcome) throw new Error(`refused: ${JSON.stringify(outcome)}`)
      told(operation, outcome.position)
    }
  }))
}
