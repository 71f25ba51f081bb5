/** What clients send to an index that is killed again and again, and all that it told them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Courier } from '@scelle/seal/envelope'
import { createAccess, createGrant, createRevocation, type MadeGrant } from '@scelle/seal/grants'
import { createIdentity, type Identity } from '@scelle/seal/identity'
import { createVault, type MadeVault } from '@scelle/seal/keys'
import {
  capsuleHeaderHash, decode, decodeCapsule, encode, RIGHTS, statementId, toHex, verifyPosition,
} from '@scelle/seal/verify'
import { signRequest } from '@scelle/wire/http'
import { CommitAnswers, CommitBatch, CommitSubmission, NewGrant, NewVault, Receipt } from '@scelle/wire/messages'
import type { KillRun } from './kill-run.ts'
import { type CommitAnswer, commitAnswers, type Sealed, Writer } from './world.ts'

/** A statement that the index acknowledged. */
export interface Told {
  readonly signed: Uint8Array
  readonly sequence: number
  readonly salt: Uint8Array
  readonly time: number
  /** Of an access: the whole receipt. */
  readonly proof?: Uint8Array | undefined
}

/** One request, sent again until it is answered. */
interface Job {
  readonly as: Identity
  readonly path: string
  readonly body: Uint8Array
  readonly answered: (body: Uint8Array) => Promise<void>
}

/** Answers with these are asked for again: the index is just asking the trustees, or they were not quick. */
const AGAIN = new Set(['not-cosigned', 'overloaded', 'log-recovering'])
const PAUSE = 10

/** One after another: the same request until it is answered. */
class Lane {
  readonly #make: () => Promise<Job>
  #job: Job | undefined

  constructor(make: () => Promise<Job>) {
    this.#make = make
  }

  /** Until the index dies, or `enough` says so and nothing is open. */
  async run(send: (job: Job) => Promise<Uint8Array | undefined>, enough: () => boolean): Promise<void> {
    while (this.#job !== undefined || !enough()) {
      const job = (this.#job ??= await this.#make())
      const answer = await send(job)
      if (answer === undefined) return
      await job.answered(answer)
      this.#job = undefined
    }
  }
}

interface Part {
  readonly vault: MadeVault
  readonly owner: Identity
  readonly reader: Identity
  readonly grant: MadeGrant
  readonly writer: Writer
  readonly readable: Uint8Array[]
}

export class KillWork {
  readonly told = new Map<string, Told>()
  readonly parts: Part[] = []
  /** Commits that were accepted, by id. */
  readonly submissions = new Map<string, { readonly as: Identity; readonly submission: Uint8Array }>()
  /** Every other request that was answered. */
  readonly answered: Job[] = []
  readonly #run: KillRun
  readonly #lanes: Lane[] = []
  /** By part: what is still to be done for somebody new. */
  readonly #controls = new Map<Part, Job[]>()
  #turn = 0

  constructor(run: KillRun) {
    this.#run = run
  }

  /** Prepares the first requests: registrations, vaults and grants are among what is killed. */
  async prepare(parts: number): Promise<void> {
    for (let i = 0; i < parts; i++) {
      const part = await this.#part()
      this.parts.push(part)
      const first = await this.#founding(part)
      this.#lanes.push(new Lane(async () => first.shift() ?? (await this.#commit(part))))
      this.#lanes.push(new Lane(async () => this.#control(part)))
    }
    for (let i = 0; i < 2; i++) this.#lanes.push(new Lane(async () => this.#access()))
  }

  /** Sends until the index dies, or until so many are answered. */
  async send(url: string, upTo = Number.POSITIVE_INFINITY): Promise<void> {
    const enough = (): boolean => this.told.size >= upTo
    await Promise.all(this.#lanes.map((lane) => lane.run((job) => this.ask(url, job), enough)))
  }

  /** Undefined where the index died before it answered. Throws where it refuses. */
  async ask(url: string, { as, path, body }: Omit<Job, 'answered'>): Promise<Uint8Array | undefined> {
    for (;;) {
      const signed = await signRequest({ method: 'POST', url: url + path, body, identity: as, ...this.#run.context })
      const headers = { ...signed, 'content-type': 'application/cbor' }
      let answer: { ok: boolean; bytes: Uint8Array }
      try {
        const response = await fetch(url + path, { method: 'POST', headers, body: Buffer.from(body) })
        answer = { ok: response.ok, bytes: new Uint8Array(await response.arrayBuffer()) }
      } catch {
        return undefined
      }
      if (answer.ok) return answer.bytes
      const { code } = JSON.parse(Buffer.from(answer.bytes).toString()) as { code: string }
      if (!AGAIN.has(code)) throw new Error(`${path}: ${code}`)
      await sleep(PAUSE)
    }
  }

  /** The same statement again has the same place. Throws where the index tells another. */
  async keep(signed: Uint8Array, told: Omit<Told, 'signed'>): Promise<void> {
    const name = toHex(statementId(signed))
    const before = this.told.get(name)
    const same = before === undefined ||
      (before.sequence === told.sequence && before.time === told.time && toHex(before.salt) === toHex(told.salt))
    if (!same) throw new Error(`${name} is told another place than before`)
    this.told.set(name, { signed, ...told, proof: told.proof ?? before?.proof })
  }

  async #receipt(signed: Uint8Array, body: Uint8Array): Promise<void> {
    const { position, proof } = decode(Receipt, body)
    const { sequence, salt, time } = await verifyPosition(position, this.#run.identity.keys, statementId(signed))
    await this.keep(signed, { sequence, salt: salt as Uint8Array, time, proof })
  }

  #statement(as: Identity, path: string, signed: Uint8Array, body = signed): Job {
    const job: Job = {
      as, path, body,
      answered: async (answer) => {
        const before = this.told.size
        await this.#receipt(signed, answer)
        if (this.told.size > before) this.answered.push(job)
      },
    }
    return job
  }

  async #part(): Promise<Part> {
    const { context, trustees } = this.#run
    const owner = await createIdentity('person', context)
    const reader = await createIdentity('person', context)
    const vault = await createVault({
      mode: 'owner', controller: owner, trustees: trustees.map(({ id }) => id),
      categories: [{ code: 'summary', strict: false }],
    }, context)
    const grant = await this.#grant(vault, owner, reader)
    const commit = (): Promise<CommitAnswer[]> => Promise.reject(new Error('commits are sent by their lane'))
    const writer = new Writer({ context, trustees: [...trustees], commit }, owner, vault, { custodian: owner })
    writer.courier = new Courier(owner.id, context)
    return { vault, owner, reader, grant, writer, readable: [] }
  }

  async #grant(vault: MadeVault, owner: Identity, grantee: Identity): Promise<MadeGrant> {
    const { context } = this.#run
    const now = Math.floor(context.now() / 1000)
    const grant = {
      vault: vault.vault, custodian: owner.id, grantee: grantee.id,
      categories: vault.manifest.secrets.map(({ category }) => category), rights: RIGHTS.read,
      purposes: ['treatment' as const], basis: 'consent' as const, notBefore: now - 10, expires: now + 86_400,
      depth: 0,
    }
    const { secrets, manifest: { version } } = vault.manifest
    return createGrant({ signer: owner, grantee: grantee.keys, secrets, manifestVersion: version, grant }, context)
  }

  #grantJob({ owner }: Part, { grantSigned, keysSigned }: MadeGrant): Job {
    return this.#statement(owner, '/v1/grants', grantSigned, encode(NewGrant, { grant: grantSigned, keys: keysSigned }))
  }

  async #founding(part: Part): Promise<Job[]> {
    const { vault: { genesisSigned, manifest }, owner, reader, grant } = part
    const vault = encode(NewVault, { genesis: genesisSigned, manifest: manifest.signed })
    return [
      ...[owner, reader].map((one) => this.#statement(one, '/v1/principals', one.chain[0] as Uint8Array)),
      this.#statement(owner, '/v1/vaults', genesisSigned, vault),
      this.#grantJob(part, grant),
    ]
  }

  async #commit({ writer, owner, readable }: Part): Promise<Job> {
    const all: Sealed[] = []
    for (let i = 0; i < 1 + (this.#turn++ % 3); i++) {
      all.push(await writer.seal(await writer.capsule(), [{}, {}]))
      writer.previous = (all.at(-1) as Sealed).made.id
    }
    const submissions = all.map(({ submission }) => decode(CommitSubmission, submission))
    return {
      as: owner, path: '/v1/commits', body: encode(CommitBatch, submissions),
      answered: async (body) => {
        const answers = await commitAnswers(submissions, decode(CommitAnswers, body), this.#run.identity.keys)
        for (const [place, { commit, capsules }] of submissions.entries()) {
          const { position, problem } = answers[place] as CommitAnswer
          if (position?.salt === undefined) throw new Error(`a commit was refused: ${problem}`)
          const { sequence, salt, time } = position
          await this.keep(commit, { sequence, salt, time })
          this.submissions.set(toHex(statementId(commit)), {
            as: owner, submission: (all[place] as Sealed).submission,
          })
          readable.push(...capsules.map(({ capsule }) => capsuleHeaderHash(decodeCapsule(capsule).capsule.header)))
        }
      },
    }
  }

  /** Control leaves: somebody new is registered, given a grant, and has it revoked. */
  async #control(part: Part): Promise<Job> {
    const { context } = this.#run
    const next = this.#controls.get(part)?.shift()
    if (next !== undefined) return next
    const somebody = await createIdentity('person', context)
    const registered = this.#statement(somebody, '/v1/principals', somebody.chain[0] as Uint8Array)
    const { vault, owner } = part
    // Until the vault is there, there is nothing to grant.
    if (!this.told.has(toHex(vault.vault))) return registered
    const grant = await this.#grant(vault, owner, somebody)
    const { signed } = await createRevocation(
      { vault: vault.vault, grant: statementId(grant.grantSigned), signer: owner }, context,
    )
    this.#controls.set(part, [this.#grantJob(part, grant), this.#statement(owner, '/v1/revocations', signed)])
    return registered
  }

  async #access(): Promise<Job> {
    const { context } = this.#run
    const part = this.parts.find(({ readable }) => readable.length > 0)
    if (part === undefined) {
      const somebody = await createIdentity('person', context)
      return this.#statement(somebody, '/v1/principals', somebody.chain[0] as Uint8Array)
    }
    const { reader, owner, vault, grant, readable } = part
    const { signed } = await createAccess({
      vault: vault.vault, custodian: owner.id, reader, purpose: 'treatment',
      capsules: readable.splice(0, 2), chain: [statementId(grant.grantSigned)],
    }, context)
    return this.#statement(reader, '/v1/accesses', signed)
  }
}

