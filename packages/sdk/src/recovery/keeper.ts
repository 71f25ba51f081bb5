/**
 * Who has the root keeps its wraps: makes them, rehearses them, empties those that are lost. An enrolment ends once two
 * that are not lost together gave the root back, from the index and by the person's own hands.
 */
import type { Identity } from '@scelle/seal/identity'
import {
  enrolmentHolds, newPrinted, pairwiseIdentity, printedFile, printedGroups, printedSecret, wrapByGuardians,
  wrapByPasskey, wrapByPin, wrapByPrinted, wrapPlace,
} from '@scelle/seal/recovery'
import { equalBytes, recoverySetId, toHex, type Wrap, type WrapEntry } from '@scelle/seal/verify'
import { encodeQR } from 'qr'
import type { Connection } from '../connection.ts'
import { SdkError } from '../errors.ts'
import { type Id, idBytes } from '../ids.ts'
import { loggedAbout, objectionBody, type OwnRecovery, ownRecoveries, sendObjection } from './objecting.ts'
import { type Opened, WrapOpener } from './opening.ts'
import { connectOwn, type RecoveryOptions } from './own.ts'
import { WrapStorage } from './storage.ts'

/** A thing, or an account that copies its keys: wraps in one place are lost together. 16 bytes, the caller's. */
export interface WrapAbout {
  readonly place: Uint8Array
  /** What its owner calls it. */
  readonly name: string
}

/** What is printed, and shown nowhere else. */
export interface PrintedSheet {
  /** To be read and typed. */
  readonly groups: readonly string[]
  /** SVG of the same for a camera. */
  readonly qr: string
  /** An age file, to be kept wherever its owner likes: `age -d` opens it with the sheet, without anybody's server. */
  readonly file: Uint8Array
}

export interface NewGuardians {
  /** Three principals. Their keys come from the log. */
  readonly guardians: readonly Id[]
  /** Whom they guard for, in words that they know. */
  readonly about: string
  readonly name: string
}

/** One packet for each guardian, in their order, to be handed over. */
export interface GuardianPackets {
  readonly locator: Uint8Array
  readonly packets: readonly Uint8Array[]
}

export class RootKeeper {
  readonly #root: Uint8Array
  readonly #connection: Connection
  readonly #storage: WrapStorage
  readonly #opener: WrapOpener
  /** Hex locators of wraps that gave the root back. */
  readonly #rehearsed = new Set<string>()
  readonly #codes = new Map<string, readonly Uint8Array[]>()

  private constructor(root: Uint8Array, connection: Connection) {
    this.#root = root
    this.#connection = connection
    this.#storage = new WrapStorage(connection)
    this.#opener = new WrapOpener(connection)
  }

  /** With a new root, or with one that a wrap gave back. The person's own principal is registered. */
  static async open(options: RecoveryOptions, root: Uint8Array = options.context.random(32)): Promise<RootKeeper> {
    return new RootKeeper(root, await connectOwn(options, root))
  }

  /** The person's own principal, as a patient. */
  get identity(): Identity {
    return this.#connection.identity
  }

  /** The person as that organisation knows them, and nobody else does. Not registered by this. */
  identityFor(organisation: Id): Promise<Identity> {
    return pairwiseIdentity(this.#root, idBytes(organisation))
  }

  /** What wraps there are. */
  wraps(): Promise<WrapEntry[]> {
    return this.#storage.list(this.#root)
  }

  /** `prf`: the passkey's output over `prfInput()`. */
  async addPasskey(prf: Uint8Array, about: WrapAbout): Promise<void> {
    this.#connection.transport.unsendable.add(prf)
    await this.#add(wrapByPasskey(this.#root, this.#connection.context), prf, about)
  }

  async addPrinted(name: string): Promise<PrintedSheet> {
    const { context, transport } = this.#connection
    const identity = await newPrinted()
    transport.unsendable.add(new TextEncoder().encode(identity))
    const wrap = await wrapByPrinted(this.#root, identity, context)
    await this.#add(wrap, printedSecret(identity), { place: context.random(16), name })
    return {
      groups: printedGroups(identity), qr: encodeQR(identity, 'svg', { ecc: 'medium' }),
      file: await printedFile(this.#root, identity),
    }
  }

  /** `device`: see `deviceSecret`. Throws SealError `pin-invalid` where the PIN is too short. */
  async addDevice(device: Uint8Array, pin: string, about: WrapAbout): Promise<void> {
    const { context, transport } = this.#connection
    transport.unsendable.add(device)
    const trustees = await this.#trustees()
    await this.#add(await wrapByPin({ root: this.#root, pin, device, trustees }, context), device, about)
  }

  async addGuardians({ guardians, about, name }: NewGuardians): Promise<GuardianPackets> {
    const { context, directory, identity } = this.#connection
    const keys = await Promise.all(guardians.map(async (id) => (await directory.of(idBytes(id))).keys))
    const secret = context.random(32)
    const place = wrapPlace(secret)
    const { wrap, set, packets, rehearsals } = await wrapByGuardians({
      root: this.#root, owner: identity.id, guardians: keys, trustees: await this.#trustees(), place, name: about,
    }, context)
    await this.#add(wrap, secret, { place: context.random(16), name }, recoverySetId(set))
    this.#codes.set(toHex(place.locator), rehearsals)
    return { locator: place.locator, packets }
  }

  /** Another three: the old ones' shares are worth nothing from then on, whoever has them. */
  async replaceGuardians(old: WrapEntry, anew: NewGuardians): Promise<GuardianPackets> {
    if (old.set === undefined) throw new SdkError('bad-input', 'this wrap is not the guardians\'')
    const made = await this.addGuardians(anew)
    await this.sendObjection(await this.identity.sign('objection', objectionBody(this.#connection, old.set)))
    await this.remove(old)
    return made
  }

  /** Empties a wrap: of what was lost, stolen or replaced. */
  async remove(entry: WrapEntry): Promise<void> {
    await this.#storage.empty(entry)
    const entries = await this.wraps()
    await this.#storage.writeList(this.#root, entries.filter(({ locator }) => !equalBytes(locator, entry.locator)))
    this.#rehearsed.delete(toHex(entry.locator))
  }

  /** The passkey is asked once more. */
  async rehearsePasskey(prf: Uint8Array): Promise<void> {
    this.#passed(await this.#opener.passkey(prf))
  }

  /** The sheet is typed back, or held before the camera. */
  async rehearsePrinted(typed: string): Promise<void> {
    this.#passed(await this.#opener.printed(typed))
  }

  async rehearseDevice(device: Uint8Array, pin: string): Promise<void> {
    const opened = await this.#opener.device(device, pin)
    if (opened.state !== 'opened') throw new SdkError('enrolment-incomplete', 'this is not the PIN that was chosen')
    this.#passed(opened)
  }

  /** What the three guardians read in their packets, in any order: each holds a share that opens. */
  rehearseGuardians(locator: Uint8Array, codes: readonly Uint8Array[]): void {
    const wanted = this.#codes.get(toHex(locator)) ?? []
    const all = wanted.length > 0 && wanted.every((one) => codes.some((code) => equalBytes(code, one)))
    if (!all) throw new SdkError('enrolment-incomplete', 'not every guardian has opened its packet')
    this.#rehearsed.add(toHex(locator))
  }

  /** Throws `enrolment-incomplete` unless two wraps that are not lost together were rehearsed. */
  async finish(): Promise<void> {
    const rehearsed = (await this.wraps()).filter(({ locator }) => this.#rehearsed.has(toHex(locator)))
    if (!enrolmentHolds(rehearsed)) {
      throw new SdkError('enrolment-incomplete', 'two ways back that are not lost together have to be tried first')
    }
  }

  /** Recoveries of this root that somebody began. */
  recoveries(): Promise<OwnRecovery[]> {
    return ownRecoveries(this.#connection)
  }

  /** What the log holds about this person. See `loggedAbout`. */
  logged(from?: number): Promise<{ readonly leaves: number[]; readonly next: number }> {
    return loggedAbout(this.#connection, from)
  }

  /** Stops a recovery. Answers at how many trustees it came in time: with two the root is safe. */
  async object(recovery: Pick<OwnRecovery, 'set' | 'recovery'>): Promise<number> {
    return this.sendObjection(await this.identity.sign('objection', this.objectionTo(recovery)))
  }

  /** The same for a passkey to sign, where the root is not at hand. */
  objectionTo({ set, recovery }: Pick<OwnRecovery, 'set' | 'recovery'>): Uint8Array {
    return objectionBody(this.#connection, set, recovery)
  }

  /** As {@link object}, of an objection that is signed. */
  sendObjection(signed: Uint8Array): Promise<number> {
    return sendObjection(this.#connection, signed)
  }

  #passed({ root, locator }: Opened): void {
    if (!equalBytes(root, this.#root)) throw new SdkError('enrolment-incomplete', 'this opens another person\'s root')
    this.#rehearsed.add(toHex(locator))
  }

  async #trustees() {
    const met = await this.#connection.metTrustees()
    if (met.length !== 3) throw new SdkError('trustee-unknown', 'all three trustees have to be there to deal to them')
    return met.map(({ keys }) => keys)
  }

  async #add(wrap: Wrap, secret: Uint8Array, { place, name }: WrapAbout, set?: Uint8Array): Promise<void> {
    const { key: _, ...where } = wrapPlace(secret)
    await this.#storage.write(wrap, wrapPlace(secret))
    const others = (await this.wraps()).filter(({ locator }) => !equalBytes(locator, where.locator))
    await this.#storage.writeList(this.#root, [...others, {
      method: wrap.method, place, name, ...where, time: wrap.time, ...(set === undefined ? {} : { set }),
    }])
  }
}
