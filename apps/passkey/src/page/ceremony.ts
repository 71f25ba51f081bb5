/**
 * The browser's authenticators. What comes back is copied field by field, never as a whole: `toJSON()` of a credential
 * has the PRF's output in it, and whoever has that has the person's root secret.
 *
 * A PRF is only ever asked for in an assertion of its own, over a random challenge, whose signature is dropped. So no
 * statement is signed by an assertion that had one.
 */
import { equalBytes, type Passkey, sha256 } from '@scelle/seal/verify'
import type { GivenAssertion } from '@scelle/seal/verify'
import type { PageProblem } from '@scelle/wire/passkey-page'
import type { Constellation } from './constellation.ts'
import { COSE_ALGORITHMS, rawPublicKey } from './public-key.ts'

/** What the person did not do, or the authenticator cannot. */
export class CeremonyProblem extends Error {
  readonly problem: PageProblem
  constructor(problem: PageProblem, options?: ErrorOptions) {
    super(problem, options)
    this.name = 'CeremonyProblem'
    this.problem = problem
  }
}

export interface Ceremonies {
  /** The passkeys' signature over a challenge, by one of these. Throws {@link CeremonyProblem}. */
  readonly assertion: (challenge: Uint8Array, of: readonly Passkey[]) => Promise<GivenAssertion>
  /** A new passkey on an authenticator that has none of `known`. Throws {@link CeremonyProblem}. */
  readonly create: (person: NewPasskey) => Promise<{ readonly passkey: Passkey; readonly hasPrf: boolean }>
  /** Output of the PRF of one of these over `input`: 32 bytes that do not leave this page. */
  readonly prf: (input: Uint8Array, of: readonly Passkey[]) => Promise<PrfOutput>
}

export interface NewPasskey {
  /** As the authenticator shows it. */
  readonly name: string
  readonly known: readonly Passkey[]
  readonly deviceBound: boolean
  /** Whether one without a PRF will do, since a PIN and this browser's key can stand in for it. */
  readonly plainWillDo?: boolean
}

export interface PrfOutput {
  readonly credential: Uint8Array
  readonly output: Uint8Array
}

const MINUTES_TO_TOUCH = 5
const timeout = MINUTES_TO_TOUCH * 60_000

const copy = (buffer: ArrayBuffer): Uint8Array<ArrayBuffer> => new Uint8Array(buffer.slice(0))

const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

/** The browser's refusals, without its words: some name sites or devices. */
const asked = async (ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> => {
  let given: Credential | null
  try {
    given = await ask()
  } catch (cause) {
    const name = cause instanceof DOMException ? cause.name : ''
    if (name === 'InvalidStateError') throw new CeremonyProblem('no-passkey', { cause })
    throw new CeremonyProblem(name === 'NotSupportedError' ? 'unsupported' : 'declined', { cause })
  }
  if (!(given instanceof PublicKeyCredential)) throw new CeremonyProblem('unsupported')
  return given
}

const descriptors = (of: readonly Passkey[]): PublicKeyCredentialDescriptor[] =>
  of.map(({ credential }) => ({ type: 'public-key', id: own(credential) }))

const get = async (
  challenge: Uint8Array, of: readonly Passkey[], rpId: string, extensions?: AuthenticationExtensionsClientInputs,
): Promise<PublicKeyCredential> => {
  if (of.length === 0) throw new CeremonyProblem('no-passkey')
  return asked(() => navigator.credentials.get({
    publicKey: {
      challenge: own(challenge), rpId, timeout, userVerification: 'required', allowCredentials: descriptors(of),
      ...(extensions === undefined ? {} : { extensions }),
    },
  }))
}

const FLAGS_AT = 32
const BACKUP_ELIGIBLE = 8

const passkeyOf = (given: PublicKeyCredential, { origin, rpId }: Constellation): Passkey => {
  const { response } = given
  if (!(response instanceof AuthenticatorAttestationResponse)) throw new CeremonyProblem('unsupported')
  const data = copy(response.getAuthenticatorData())
  const spki = response.getPublicKey()
  const key = spki === null ? undefined : rawPublicKey(response.getPublicKeyAlgorithm(), copy(spki))
  const isOurs = equalBytes(data.subarray(0, FLAGS_AT), sha256(new TextEncoder().encode(rpId)))
  if (key === undefined || !isOurs) throw new CeremonyProblem('unsupported')
  const deviceBound = ((data[FLAGS_AT] ?? 0) & BACKUP_ELIGIBLE) === 0
  return { credential: copy(given.rawId), ...key, origin, rpId, deviceBound }
}

const creationOf = (
  { name, known }: NewPasskey, { rpId }: Constellation, random: (length: number) => Uint8Array,
): PublicKeyCredentialCreationOptions => ({
  // No statement of the authenticator's is asked for, so nothing has to be bound to this challenge.
  challenge: own(random(32)),
  rp: { id: rpId, name: 'Scellé' },
  // Random: the same number at two houses would link a person's principals.
  user: { id: own(random(32)), name, displayName: name },
  pubKeyCredParams: Object.values(COSE_ALGORITHMS).map((alg) => ({ type: 'public-key', alg })),
  timeout,
  attestation: 'none',
  authenticatorSelection: { residentKey: 'required', requireResidentKey: true, userVerification: 'required' },
  excludeCredentials: descriptors(known),
  extensions: { prf: {} },
})

/** Authenticators of this browser, for the page's own relying party. */
export const browserCeremonies = (
  constellation: Constellation, random: (length: number) => Uint8Array,
): Ceremonies => ({
  assertion: async (challenge, of) => {
    const given = await get(challenge, of, constellation.rpId)
    const { response } = given
    if (!(response instanceof AuthenticatorAssertionResponse)) throw new CeremonyProblem('unsupported')
    return {
      credential: copy(given.rawId),
      authenticatorData: copy(response.authenticatorData),
      clientData: copy(response.clientDataJSON),
      signature: copy(response.signature),
    }
  },
  create: async (person) => {
    const publicKey = creationOf(person, constellation, random)
    const given = await asked(() => navigator.credentials.create({ publicKey }))
    const passkey = passkeyOf(given, constellation)
    if (person.deviceBound && !passkey.deviceBound) throw new CeremonyProblem('not-device-bound')
    const hasPrf = given.getClientExtensionResults().prf?.enabled === true
    if (!hasPrf && person.plainWillDo !== true) throw new CeremonyProblem('no-recovery')
    return { passkey, hasPrf }
  },
  prf: async (input, of) => {
    const given = await get(random(32), of, constellation.rpId, { prf: { eval: { first: own(input) } } })
    const first = given.getClientExtensionResults().prf?.results?.first
    if (first === undefined) throw new CeremonyProblem('no-recovery')
    const output = first instanceof ArrayBuffer ? new Uint8Array(first) : new Uint8Array(first.buffer)
    if (output.length !== 32) throw new CeremonyProblem('no-recovery')
    return { credential: copy(given.rawId), output }
  },
})
