/**
 * DESIGN section 6: of n trustees c lie and t are needed, each bounds B: at most ⌊(n−c)B/(t−c)⌋ patients. Three meters,
 * each a process with its own database, against a reader who chooses for each patient whom to ask.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BUDGETS } from '../src/meter/budgets.ts'
import type { Question } from './bound-child.ts'

class Process {
  readonly #file: string
  readonly #waiting = new Map<number, (answer: string) => void>()
  #child: ChildProcess | undefined
  #asked = 0

  constructor(file: string) {
    this.#file = file
  }

  async start(manner: 'honest' | 'lying' = 'honest'): Promise<void> {
    const child = fork(new URL('bound-child.ts', import.meta.url), [this.#file, manner], { execArgv: [] })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      child.once('exit', () => reject(new Error('it ended before it was ready')))
      child.on('message', (message: 'ready' | { number: number; answer: string }) => {
        if (message === 'ready') return resolve()
        this.#waiting.get(message.number)?.(message.answer)
      })
    })
  }

  ask(who: Question['who'], vault: number): Promise<string> {
    const number = this.#asked++
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve)
      this.#child?.send({ number, vault, who })
    })
  }

  async kill(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await ended
  }
}

let directory: string
let trustees: Process[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'scelle-bound-'))
  trustees = [1, 2, 3].map((place) => new Process(join(directory, `trustee-${place}.sqlite`)))
})
afterEach(async () => {
  for (const trustee of trustees) await trustee.kill()
  rmSync(directory, { recursive: true, force: true })
})

const PAIRS = [[0, 1], [1, 2], [2, 0]] as const
type Choose = (vault: number) => readonly [number, number]

const asked = async (who: Question['who'], vault: number, choose: Choose): Promise<boolean> => {
  const said = await Promise.all(choose(vault).map((place) => (trustees[place] as Process).ask(who, vault)))
  return said.every((answer) => answer === 'charged')
}

/** Vaults for which both trustees of a pair released, one after the other: no charge is wasted at the bound. */
const opened = async (who: Question['who'], vaults: readonly number[], choose: Choose): Promise<number[]> => {
  const both: number[] = []
  for (const vault of vaults) if (await asked(who, vault, choose)) both.push(vault)
  return both
}

const start = async (liar?: number): Promise<void> => {
  for (const [place, trustee] of trustees.entries()) await trustee.start(place === liar ? 'lying' : 'honest')
}

const vaultsFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i)
const spread: Choose = (vault) => PAIRS[vault % 3] as readonly [number, number]

/** B of one trustee: of a practice its day; of a doctor without a second key what asks for nothing. */
const B = { practice: BUDGETS.practice.bounds.own?.day as number, doctor: BUDGETS.gp.free }
const bound = (each: number, c: number): number => Math.floor(((3 - c) * each) / (2 - c))

describe.each(['practice'] as const)('a %s with a valid identity', (who) => {
  it('opens 1.5 B when it spreads what it asks over three honest trustees, and then nothing more', async () => {
    await start()
    expect(await opened(who, vaultsFrom(0, bound(B[who], 0) + 5), spread)).toHaveLength(bound(B[who], 0))
    for (const pair of PAIRS) expect(await opened(who, vaultsFrom(1_000, 3), () => pair)).toEqual([])
  })

  it('opens B when it asks the same two', async () => {
    await start()
    expect(await opened(who, vaultsFrom(0, B[who] + 5), () => PAIRS[0])).toHaveLength(B[who])
  })

  it('opens 2 B when one trustee releases everything and charges nothing', async () => {
    await start(2)
    const withLiar: Choose = (vault) => (vault % 2 === 0 ? PAIRS[1] : PAIRS[2])
    expect(await opened(who, vaultsFrom(0, bound(B[who], 1) + 5), withLiar)).toHaveLength(bound(B[who], 1))
    expect(await opened(who, vaultsFrom(1_000, 6), spread)).toEqual([])
  })

  it('has no more after all three were killed', async () => {
    await start()
    const before = await opened(who, vaultsFrom(0, 9), spread)
    for (const trustee of trustees) await trustee.kill()
    await start()
    const after = await opened(who, vaultsFrom(9, bound(B[who], 0)), spread)
    expect([before.length, before.length + after.length]).toEqual([9, bound(B[who], 0)])
  })
})
