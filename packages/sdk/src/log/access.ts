/** An access on record: in the log, under a checkpoint that two of the vault's trustees cosigned. */
import { formatProof, LogError, parseProof } from '@scelle/log'
import type { MadeAccess } from '@scelle/seal/grants'
import { decode, equalBytes, toHex, verifyPosition } from '@scelle/seal/verify'
import { logPolicy, QUORUM, verifyReceipt, witnessName } from '@scelle/wire/log'
import { Receipt } from '@scelle/wire/messages'
import type { Connection } from '../connection.ts'
import type { KnownPrincipal } from '../directory.ts'
import { SdkError } from '../errors.ts'
import { SDK_LIMITS } from '../limits.ts'
import { pause } from '../timers.ts'
import type { VaultView } from '../vault-view.ts'
import { type Place, placeOf } from './places.ts'

/** A receipt that holds, and the names of the vault's trustees whose cosignatures are under it. */
interface HeldReceipt {
  readonly bytes: Uint8Array
  readonly cosigned: ReadonlySet<string>
}

const isNotCosigned = (error: unknown): boolean => error instanceof SdkError && error.problem === 'not-cosigned'

/** From a trustee itself where it was met, else from the index: an id is a hash, so either will do. */
export const trusteeKeys = (connection: Connection, id: Uint8Array): Promise<KnownPrincipal> =>
  connection.trustee(id).catch(() => connection.directory.of(id))

/** The vault's trustees as far as their keys are known: two of them will do. */
const trusteesOf = async (connection: Connection, view: VaultView): Promise<KnownPrincipal[]> => {
  const known = view.genesis.trustees.map((id) => trusteeKeys(connection, id).catch(() => undefined))
  return (await Promise.all(known)).filter((one) => one !== undefined)
}

/**
 * Asks the index for a receipt as long as it takes to cosign. Throws `release-insufficient` where too few trustees do,
 * naming those that do not answer.
 */
const askForReceipt = async (
  connection: Connection, view: VaultView, access: MadeAccess, signal: AbortSignal | undefined,
): Promise<Receipt> => {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await connection.askIndex({ method: 'POST', path: '/v1/accesses', body: access.signed, signal })
      return decode(Receipt, answer)
    } catch (error) {
      if (!isNotCosigned(error)) throw error
      if (attempt >= SDK_LIMITS.cosignAttempts) throw await tooFew(connection, view, error as SdkError)
    }
  }
}

/** Who keeps the access from being cosigned, as far as a client can see: those that are silent. */
const tooFew = async (connection: Connection, view: VaultView, cause: SdkError): Promise<SdkError> => {
  const silent = await Promise.all(view.genesis.trustees.map(async (id): Promise<string[]> => {
    try {
      const { target } = await connection.trustee(id)
      await connection.transport.ask(target, { method: 'GET', path: '/v1/self', as: false, attempts: 1 })
      return []
    } catch {
      return [toHex(id)]
    }
  }))
  const parties = silent.flat()
  const names = parties.map((id) => `${id.slice(0, 8)}…`).join(', ')
  return new SdkError(
    'release-insufficient',
    `the access is on record, but two trustees have to cosign the log${names === '' ? '' : `; silent: ${names}`}`,
    { parties, cause },
  )
}

/** One access that is in the log; gives each trustee a receipt that it accepts. */
export class LoggedAccess {
  readonly #connection: Connection
  readonly #access: MadeAccess
  readonly #place: Place
  readonly #trustees: readonly KnownPrincipal[]
  #receipt: HeldReceipt

  private constructor(
    connection: Connection,
    access: MadeAccess,
    known: { place: Place; trustees: readonly KnownPrincipal[]; receipt: HeldReceipt },
  ) {
    this.#connection = connection
    this.#access = access
    this.#place = known.place
    this.#trustees = known.trustees
    this.#receipt = known.receipt
  }

  /**
   * Puts an access on record. Throws `receipt-invalid` where the index does not prove that it logged it: then nobody is
   * asked for anything.
   */
  static async record(
    connection: Connection, view: VaultView, access: MadeAccess, signal?: AbortSignal,
  ): Promise<LoggedAccess> {
    const [{ position, proof }, trustees] = await Promise.all([
      askForReceipt(connection, view, access, signal), trusteesOf(connection, view),
    ])
    const place = placeOf(await verifyPosition(position, connection.index, access.id))
    if (proof === undefined) throw new SdkError('receipt-invalid', 'the index does not prove that it logged the access')
    const receipt = await heldReceipt(connection, { signed: access.signed, place, trustees }, proof)
    // Nobody waits for it: trustees that release keep it too.
    void connection.given?.keep({ word: position, statement: access.signed })
    return new LoggedAccess(connection, access, { place, trustees, receipt })
  }

  /** Key chains of the vault's trustees, which a releaser checks the others' cosignatures by. */
  get trusteeChains(): Uint8Array[][] {
    return this.#trustees.map(({ chain }) => [...chain])
  }

  /** The receipt at hand, which a quorum cosigned. */
  get receipt(): Uint8Array {
    return this.#receipt.bytes
  }

  /** True where this trustee's own cosignature is under the receipt at hand. */
  isCosignedBy(trustee: Uint8Array): boolean {
    return this.#receipt.cosigned.has(witnessName(trustee))
  }

  /**
   * A receipt under a checkpoint that this trustee cosigned itself. Where it is late, a newer one is asked for, a few
   * times. Throws `trustee-problem` (`not-cosigned`).
   */
  async receiptFor(trustee: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    for (let attempt = 1; !this.isCosignedBy(trustee); attempt++) {
      await this.renew(trustee)
      if (this.isCosignedBy(trustee)) break
      if (attempt >= SDK_LIMITS.receiptAttempts) {
        throw new SdkError('trustee-problem', 'the trustee has not cosigned the log since', { problem: 'not-cosigned' })
      }
      await pause(this.#connection.timers, SDK_LIMITS.receiptPause * 2 ** (attempt - 1), signal)
    }
    return this.#receipt.bytes
  }

  /** Fetches the newest receipt; kept where `trustee` cosigned it, and unless the present one is as good. */
  async renew(trustee: Uint8Array): Promise<void> {
    const leaf = this.#place.sequence - 1
    const answer = await this.#connection.askIndex({
      method: 'GET', path: `/v1/log/proof/${leaf}`, as: false, octets: true, attempts: 2,
    })
    const { signed } = this.#access
    const proof = withSalt(answer, this.#place.salt)
    const known = { signed, place: this.#place, trustees: this.#trustees }
    const quorum = await heldReceipt(this.#connection, known, proof)
    if (quorum.cosigned.has(witnessName(trustee))) this.#receipt = quorum
    else await this.#renewFinal(known)
  }

  /** The newest quorum may be of the two others; what is final has everybody's cosignature. */
  async #renewFinal(known: LoggedPlace): Promise<void> {
    try {
      const bytes = await this.#connection.logClient.receiptOf(this.#place, 'final')
      this.#receipt = await heldReceipt(this.#connection, known, bytes)
    } catch (error) {
      // Not final yet, or nothing is.
      if (!(error instanceof SdkError) || error.problem === undefined) throw error
    }
  }
}

interface LoggedPlace {
  readonly signed: Uint8Array
  readonly place: Place
  readonly trustees: readonly KnownPrincipal[]
}

const receiptInvalid = (cause: unknown): SdkError =>
  new SdkError('receipt-invalid', 'the index does not prove that the access is in its log', { cause })

/** The index's proof without the salt, which it tells in positions alone. Throws `receipt-invalid`. */
const withSalt = (bytes: Uint8Array, salt: Uint8Array): Uint8Array => {
  try {
    return formatProof({ ...parseProof(bytes), extra: salt })
  } catch (error) {
    throw error instanceof LogError ? receiptInvalid(error) : error
  }
}

/** Checks a receipt by the cosignatures of the vault's own trustees. Throws `receipt-invalid`. */
const heldReceipt = async (
  connection: Connection, { signed, place, trustees }: LoggedPlace, bytes: Uint8Array,
): Promise<HeldReceipt> => {
  const policy = logPolicy({
    index: connection.index, trustees: trustees.map(({ keys }) => keys), quorum: QUORUM.release,
  })
  try {
    const { proof, checkpoint } = await verifyReceipt(bytes, signed, policy)
    const isPlace = proof.index === place.sequence - 1 && equalBytes(proof.extra ?? new Uint8Array(0), place.salt)
    if (!isPlace) throw new LogError('inclusion-invalid', 'the proof is of another place than the position')
    connection.logClient.saw(checkpoint)
    return { bytes, cosigned: new Set(checkpoint.cosigned.keys()) }
  } catch (error) {
    throw error instanceof LogError ? receiptInvalid(error) : error
  }
}
