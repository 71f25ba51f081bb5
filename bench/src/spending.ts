/** Where processor time goes: unlike rates, it says the same on a busy machine. */
import type { Generator } from './load/generator.ts'
import type { Parties, Party } from './parties.ts'

const SERVERS = ['edge', 'index', 'trustee-1', 'trustee-2', 'trustee-3', 'twin'] as const
type Spender = (typeof SERVERS)[number] | 'generator' | 'edge-thread'

/** Milliseconds of each. */
export type Spent = Readonly<Record<Spender, number>>

export const spentSoFar = (parties: Parties, generator: Generator): Spent => {
  const servers = SERVERS.map((party): [Party, number] => [party, parties.processor(party)])
  return {
    ...(Object.fromEntries(servers) as Record<(typeof SERVERS)[number], number>),
    generator: generator.processor,
    'edge-thread': parties.ownThread('edge'),
  }
}

const micro = (milliseconds: number): string => `${Math.round(milliseconds * 1_000)} µs`

/**
 * Processor time for each of so many units, all threads of a process together and the edge's first one alone, and what
 * two idle cores could give at most. The generator's share is that of all units, edge's and twin's.
 */
export const spending = (
  before: Spent,
  after: Spent,
  units: { readonly edge: number; readonly twin: number },
): string => {
  const spent = (party: Spender, count: number): number => (after[party] - before[party]) / count
  const edge = spent('edge', units.edge)
  const index = spent('index', units.edge)
  const trustees = SERVERS.filter((party) => party.startsWith('trustee')).reduce(
    (sum, party) => sum + spent(party, units.edge),
    0,
  )
  const client = spent('generator', units.edge + units.twin)
  const own = spent('edge-thread', units.edge)
  const most = Math.min(2_000 / (edge + index + trustees + client), 1_000 / own)
  return (
    `processor: edge ${micro(edge)} (its own thread ${micro(own)}), index ${micro(index)}, ` +
    `twin ${micro(spent('twin', units.twin))}, client ${micro(client)}` +
    ` each: two cores could give ${Math.round(most).toLocaleString('en-GB')}/s`
  )
}
