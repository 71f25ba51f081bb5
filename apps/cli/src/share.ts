/** `scelle share`, `scelle revoke`, and opening what was shared: with people known by name in this home. */
import { type Client, connect, type Identity, type Options } from '@scelle/sdk'
import { fromHex, toHex } from '@scelle/seal/verify'
import { type EdgeClient, fhirJson, jsonOf } from './edge-client.ts'
import { CommandError, EXIT } from './errors.ts'
import { type Installation, urlOf } from './home.ts'
import type { AnyResource } from './import/read.ts'
import type { Io } from './io.ts'
import { MESSAGES } from './messages.ts'
import { patientIdOf, printOpened } from './open.ts'
import { identityIn } from './run/identities.ts'

interface Parameters extends AnyResource {
  readonly parameter?: readonly {
    readonly name: string
    readonly valueString?: string
    readonly valueInteger?: number; readonly valueCode?: string
  }[]
  readonly issue?: readonly { readonly diagnostics?: string }[]
}

const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/

const requireName = (io: Io, name: string): string => {
  if (!NAME.test(name)) throw new CommandError('usage', MESSAGES[io.language].noIdentity(name))
  return name
}

/** Asks the edge for one of its operations; a refusal becomes a sentence. */
export const operation = async (
  io: Io,
  edge: EdgeClient,
  path: string,
  parameters: readonly { name: string; valueString: string }[],
): Promise<Parameters> => {
  const answer = await edge('POST', path, fhirJson({ resourceType: 'Parameters', parameter: parameters }))
  const body = jsonOf<Parameters>(answer)
  if (answer.status !== 200) {
    throw new CommandError(
      'failed',
      MESSAGES[io.language].failed(body.issue?.[0]?.diagnostics ?? String(answer.status)),
    )
  }
  return body
}

const stringIn = (parameters: Parameters, name: string): string =>
  parameters.parameter?.find((parameter) => parameter.name === name)?.valueString ?? ''

/** The vault of a patient in this edge's care, 64 hex digits. */
export const vaultOf = async (io: Io, edge: EdgeClient, patient: string): Promise<string> =>
  stringIn(
    await operation(io, edge, `/fhir/Patient/${encodeURIComponent(patientIdOf(patient))}/$scelle-vault`, []),
    'vault',
  )

/** A client of the sdk for somebody of this home; made and registered on first use. */
export const clientAs = async (io: Io, installation: Installation, name: string): Promise<Client> =>
  clientOf(io, installation, { identity: await personIn(io, name) })

/** The keys of somebody of this home, made on first use: no network is needed. */
export const personIn = (io: Io, name: string): Promise<Identity> =>
  identityIn(io.home, `people/${requireName(io, name)}`, 'person', io)

/** A client with keys of this home. */
export const clientOf = (
  io: Io, installation: Installation, options: Pick<Options, 'identity'> & Partial<Options>,
): Promise<Client> => connect({
  index: urlOf(installation, 'index'),
  trustees: (['trustee-1', 'trustee-2', 'trustee-3'] as const).map((party) => urlOf(installation, party)),
  context: { random: io.random, now: io.now },
  ...options,
})

export interface ShareOptions {
  readonly patient: string
  readonly with: string
  readonly categories: string
  readonly rights: string
  /** Milliseconds since 1970. */
  readonly until: number
}

/** Grants categories of one patient to somebody, by name. */
export const share = async (
  io: Io,
  edge: EdgeClient,
  installation: Installation,
  options: ShareOptions,
): Promise<number> => {
  const messages = MESSAGES[io.language]
  const client = await clientAs(io, installation, options.with)
  const answer = await operation(
    io,
    edge,
    `/fhir/Patient/${encodeURIComponent(patientIdOf(options.patient))}/$scelle-share`,
    [
      { name: 'with', valueString: toHex(client.identity.id) },
      { name: 'categories', valueString: options.categories },
      { name: 'rights', valueString: options.rights },
      { name: 'until', valueString: new Date(options.until).toISOString() },
    ],
  )
  io.out(messages.shared(options.categories, options.with, new Date(options.until).toISOString().slice(0, 16)))
  io.out(messages.grantIs(stringIn(answer, 'grant')))
  return EXIT.done
}

/** Ends a grant. Exit status 1 while some trustee has not confirmed. */
export const revoke = async (io: Io, edge: EdgeClient, grant: string): Promise<number> => {
  const messages = MESSAGES[io.language]
  if (fromHex(grant)?.length !== 32) throw new CommandError('usage', messages.missingArgument('GRANT'))
  const answer = await operation(io, edge, '/fhir/$scelle-revoke', [{ name: 'grant', valueString: grant }])
  const pending = answer.parameter?.find((parameter) => parameter.name === 'pending')?.valueInteger ?? 0
  io.out(messages.revoked)
  if (pending > 0) io.out(messages.revokedPending(pending))
  const logged = answer.parameter?.find((parameter) => parameter.name === 'logged')?.valueCode
  io.out(logged === 'final' ? messages.revokedLogged : messages.revokedNotLogged)
  return pending > 0 ? EXIT.partly : EXIT.done
}

/** Opens a patient's records with one's own keys, without the edge: index, trustees, and nothing else. */
export const openAs = async (
  io: Io,
  edge: EdgeClient,
  installation: Installation,
  options: { patient: string; as: string; json: boolean },
): Promise<number> => {
  const client = await clientAs(io, installation, options.as)
  const id = fromHex(options.patient)
  const vaultId = id?.length === 32 ? id : fromHex(await vaultOf(io, edge, options.patient))
  const vault = await client.vault(vaultId as Uint8Array)
  const chart = await vault.open()
  try {
    return printOpened(io, chart.latest(), options.patient, options.json)
  } finally {
    chart.close()
  }
}
