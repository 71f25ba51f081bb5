/** A log as an index keeps it, and as one could forge it: in memory, signed by whom a test says. */
import {
  type AddCheckpoint, checkpointText, consistencyProof, formatAddCheckpoint, formatNote, formatProof, inclusionProof,
  leafHash, type Note, type NoteKey, parseCheckpoint, parseNote, type ReadNodes, rootOfLeaves, signNote,
} from '@scelle/log'
import type { Identity } from '@scelle/seal/identity'
import { controlSubject, decode, encode, logEntry } from '@scelle/seal/verify'
import { entryOf, logKeys } from '@scelle/wire/log'
import { LogPush, LogPushed } from '@scelle/wire/messages'
import { type Outcome, post, type Running, type World } from './world.ts'

export type PushedLeaf = LogPush['leaves'][number]

/** A leaf that commits to a statement, with the statement where it is a control leaf. */
export const leafOf = (statement: Uint8Array, salt: Uint8Array): PushedLeaf => {
  const entry = entryOf(statement, salt)
  return controlSubject(statement) === undefined ? { entry } : { entry, statement, salt }
}

/** A leaf of a statement that nobody but its reader and the index has. */
export const plainLeaf = (world: World): PushedLeaf => ({
  entry: logEntry({ salt: world.clock.random(16), statement: world.clock.random(32) }),
})

export class TestLog {
  readonly leaves: PushedLeaf[]
  readonly #world: World
  readonly #signer: Identity
  readonly #nodes = new Map<string, Uint8Array>()

  constructor(world: World, leaves: readonly PushedLeaf[] = [], signer = world.index) {
    this.#world = world
    this.leaves = [...leaves]
    this.#signer = signer
  }

  get size(): number {
    return this.leaves.length
  }

  /** Another history that begins with the first leaves of this one. */
  fork(kept: number): TestLog {
    return new TestLog(this.#world, this.leaves.slice(0, kept), this.#signer)
  }

  append(count: number): this {
    for (let i = 0; i < count; i++) this.leaves.push(plainLeaf(this.#world))
    return this
  }

  /** The place of a statement's leaf, and its salt. */
  add(statement: Uint8Array): { leaf: number; salt: Uint8Array } {
    const salt = this.#world.clock.random(16)
    this.leaves.push(leafOf(statement, salt))
    return { leaf: this.size - 1, salt }
  }

  #hashes(size: number): Uint8Array[] {
    return this.leaves.slice(0, size).map(({ entry }) => leafHash(entry))
  }

  root(size = this.size): Uint8Array {
    return rootOfLeaves(this.#hashes(size))
  }

  readonly nodes: ReadNodes = async (nodes) => nodes.map(({ level, index }) => this.#node(level, index))

  /** Those of whole subtrees do not change any more: thousands of proofs are made of few. */
  #node(level: number, index: number): Uint8Array {
    const name = `${level}/${index}`
    const known = this.#nodes.get(name)
    if (known !== undefined) return known
    const leaves = this.leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)
    const node = rootOfLeaves(leaves.map(({ entry }) => leafHash(entry)))
    if (leaves.length === 2 ** level) this.#nodes.set(name, node)
    return node
  }

  async note(size = this.size, root = this.root(size)): Promise<Uint8Array> {
    const key = logKeys(this.#signer.keys).at(-1) as NoteKey
    const text = checkpointText({ origin: key.name, size, root })
    return formatNote({ text, signatures: [await signNote(text, key, this.#signer.signRaw)] })
  }

  async request(old: number, size = this.size): Promise<AddCheckpoint> {
    return { old, proof: await consistencyProof(old, size, this.nodes), checkpoint: await this.note(size) }
  }

  inclusion(leaf: number, size = this.size): Promise<Uint8Array[]> {
    return inclusionProof(leaf, size, this.nodes)
  }

  /** What the index sends: the leaves from `from`, and a checkpoint over them where `old` says what was cosigned. */
  async push(from: number, old?: number, size = this.size): Promise<LogPush> {
    return {
      from,
      leaves: this.leaves.slice(from, size),
      ...(old === undefined ? {} : { request: formatAddCheckpoint(await this.request(old, size)) }),
      keys: [...this.#signer.chain],
    }
  }
}

export const pushed = (outcome: Outcome): LogPushed => decode(LogPushed, outcome.bytes)

export const sendPush = (
  world: World, running: Running, push: LogPush, signer = world.index,
): Promise<Outcome> => post(world, running, '/v1/log/push', encode(LogPush, push), signer)

/** Pushes what is new and has it cosigned. */
export const follow = async (world: World, running: Running, log: TestLog): Promise<LogPushed> => {
  const nothing = { from: 0, leaves: [], keys: [...world.index.chain] }
  const { mirrored, cosigned } = pushed(await sendPush(world, running, nothing))
  return pushed(await sendPush(world, running, await log.push(mirrored, cosigned)))
}

export const get = async ({ trustee }: Running, url: string) => {
  const answer = await trustee.inject({ method: 'GET', url })
  return { status: answer.statusCode, headers: answer.headers, bytes: new Uint8Array(answer.rawPayload) }
}

/** The newest checkpoint of trustees that all follow the log, with the cosignatures of all of them. */
export const cosignedNote = async (runnings: readonly Running[]): Promise<Uint8Array> => {
  const notes: Note[] = []
  for (const running of runnings) notes.push(parseNote((await get(running, '/v1/log/checkpoint')).bytes))
  const { text, signatures } = notes[0] as Note
  const others = notes.slice(1).flatMap((note) => note.signatures.slice(1))
  return formatNote({ text, signatures: [...signatures, ...others] })
}

/** A receipt as the index hands it out: the proof of a leaf under a note, with the leaf's salt. */
export const receiptUnder = async (
  log: TestLog, { leaf, salt }: { leaf: number; salt: Uint8Array }, checkpoint: Uint8Array,
): Promise<Uint8Array> => {
  const { size } = parseCheckpoint(parseNote(checkpoint).text)
  return formatProof({ index: leaf, hashes: await log.inclusion(leaf, size), checkpoint, extra: salt })
}
