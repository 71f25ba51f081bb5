/**
 * Finds somebody of the house by the name that they give, for applications that do not know who sits before them. The
 * answer to a name that nobody has is the same request to the passkey page, in the name of nobody: who guesses names
 * sees no difference here. Key records are public by their id: whoever also asks the index about each can tell.
 */
import { createECDH } from 'node:crypto'
import { type Client, createPerson, type PersonKeys, sealingKeyOf, toHex, verifyKeyChain } from '@scelle/sdk'
import { EdgeError } from '../errors.ts'
import { EDGE_LIMITS } from '../limits.ts'
import type { KnownPerson, PeopleShelf } from '../staff/people.ts'
import type { Cabinet } from '../store/cabinet.ts'

export interface NamesOptions {
  readonly client: Client
  readonly people: Pick<PeopleShelf, 'all' | 'current'>
  /** Address of the passkey page. */
  readonly page: string
  /** Its keys draw what stands for nobody: the same each time, and after a restart. */
  readonly cabinet: Pick<Cabinet, 'lookup'>
  readonly now: () => number
}

export interface Named {
  readonly person: KnownPerson
  /** False: it stands for nobody, and whatever is signed in its name is refused. */
  readonly isKnown: boolean
}

const HOUR = 3_600_000
const ID_DIGITS = 8

/** Without accents, capitals and punctuation: as people type it. */
export const folded = (name: string): string =>
  name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^\p{L}\p{N}]+/gu, ' ').trim()

export class Names {
  readonly #options: NamesOptions
  /** Names that nobody has, by application: when they were tried. */
  readonly #missed = new Map<string, number[]>()

  constructor(options: NamesOptions) {
    this.#options = options
  }

  /**
   * By the whole name; two who share one add the first eight digits of their id. `by`: the application for which it is
   * asked. Throws `too-many` where so many names were tried in vain by it that it is guessing.
   */
  async find(typed: string, by: string): Promise<Named> {
    const { people, client } = this.#options
    const wanted = folded(typed)
    const missed = this.#missedBy(by)
    if (missed.length >= EDGE_LIMITS.namesMissed) {
      throw new EdgeError('too-many', 'too many names that nobody has were tried: try again in an hour')
    }
    // Made for every name, and the index asked about every one: the time tells as little as the answer.
    const nobody = await this.#nobody(wanted)
    const [found, ...others] = people.all.filter(({ name, id }) => {
      const own = folded(name)
      return own === wanted || `${own} ${id.slice(0, ID_DIGITS)}` === wanted
    })
    const known = found === undefined || others.length > 0 ? undefined : await people.current(found.id)
    if (known !== undefined) return { person: known, isKnown: true }
    this.#missed.set(by, [...missed, this.#options.now()])
    await client.people.registered(Buffer.from(nobody.id, 'hex')).catch(() => [])
    return { person: nobody, isKnown: false }
  }

  #missedBy(by: string): number[] {
    return (this.#missed.get(by) ?? []).filter((time) => time > this.#options.now() - HOUR)
  }

  /** A person like others of the house, of whom nobody has a key. */
  async #nobody(wanted: string): Promise<KnownPerson> {
    const { client, cabinet } = this.#options
    let drawn = 0
    const draw = (length: number): Uint8Array => {
      const parts: Buffer[] = []
      for (let have = 0; have < length; have += 16) parts.push(cabinet.lookup('nobody', `${wanted}\0${drawn++}`))
      return new Uint8Array(Buffer.concat(parts).subarray(0, length))
    }
    const sealing = draw(32)
    const { time } = client.identity.keys.current
    const record = await createPerson({
      signing: draw(32), sealingKey: sealingKeyOf(sealing), passkeys: [await this.#passkey(draw)],
    }, { now: () => (time + (draw(1)[0] ?? 0)) * 1_000, random: draw })
    const { id } = await verifyKeyChain([record])
    return { id: toHex(id), name: wanted, chain: [record], sealing: [sealing], statuses: () => [] }
  }

  async #passkey(draw: (length: number) => Uint8Array): Promise<PersonKeys['passkeys'][number]> {
    const { people, page } = this.#options
    const [colleague] = people.all
    const [like] = colleague === undefined ? [] : (await verifyKeyChain([...colleague.chain])).current.passkeys ?? []
    const { origin, hostname } = new URL(page)
    const pair = createECDH('prime256v1')
    pair.setPrivateKey(draw(32))
    return {
      credential: draw(like?.credential.length ?? 32), algorithm: 'ES256', origin, rpId: like?.rpId ?? hostname,
      publicKey: new Uint8Array(pair.getPublicKey().subarray(1)), deviceBound: true,
    }
  }
}
