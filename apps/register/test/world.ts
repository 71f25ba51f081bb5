/** A desk with two houses, and what tests ask of it. */
import { type Client, toHex } from '@scelle/sdk'
import { decode, decodeSigned, Status } from '@scelle/seal/verify'
import { type Constellation, createConstellation } from '@scelle/testing/constellation'
import { Browser, DeskScene, type Somebody } from '@scelle/testing/desk'
import type { Account, Issued } from '@scelle/testing/professionals'

export const NUMBER = '899700366240'
export const KIT: Account = {
  number: NUMBER, givenName: 'KIT', familyName: 'DOC0036624', profession: '10', skill: 'SM26',
  organisation: { id: 'R1', name: 'CHU' },
}

export interface World {
  readonly constellation: Constellation
  readonly scene: DeskScene
  readonly chu: Client
  readonly clinic: Client
  readonly operator: Client
  readonly advance: (ms: number) => Promise<void>
  /** Somebody whose key records the log has published. */
  readonly somebody: (name: string, passkey?: { readonly deviceBound?: boolean }) => Promise<Somebody>
  /** A general practitioner's credential at this house. */
  readonly credential: (of: Somebody, at?: Client, number?: string) => Promise<Issued>
  /** Enrolled at the CHU by wallet. */
  readonly enrolled: (name: string, number?: string) => Promise<{ readonly one: Somebody; readonly issued: Issued }>
  readonly status: (one: Somebody) => Promise<Status | undefined>
  readonly close: () => Promise<void>
}

/** Milliseconds of the clock, and real ones that what is under way may take of each: it may wait for the clock. */
const STEP = 500
const PATIENCE = 100

export const statusIn = (signed: Uint8Array): Status => decode(Status, decodeSigned('status', signed).body)

export const createWorld = async (seed: string, account?: Account, listGrace?: number): Promise<World> => {
  const constellation = await createConstellation({ seed, jump: 2_000 })
  const [chu, clinic] = [await constellation.client('organisation'), await constellation.client('organisation')]
  const operator = await constellation.client('person')
  const scene = await DeskScene.create(constellation, {
    houses: [
      { id: chu.identity.id, name: 'CHU', places: ['R1', 'R2'] },
      { id: clinic.identity.id, name: 'Clinique', places: ['R9'] },
    ],
    operators: [toHex(operator.identity.id)], ...(account === undefined ? {} : { account }),
    ...(listGrace === undefined ? {} : { listGrace }),
  })
  const advance = async (ms: number): Promise<void> => {
    // WebCrypto works beside this thread: hours must not go by while it does.
    for (let left = ms; left > 0; left -= STEP) {
      await constellation.clock.advance(Math.min(STEP, left))
      await Promise.race([scene.desk.rest(), new Promise((resolve) => setTimeout(resolve, PATIENCE))])
    }
  }
  await advance(3_000)
  const somebody: World['somebody'] = async (name, passkey) => {
    const made = await scene.somebody(name, passkey)
    await advance(3_000)
    return made
  }
  const credential: World['credential'] = (of, at = chu, number = NUMBER) => scene.issuer.issue({
    number, role: 'gp', organisation: at.identity.id, holder: of.wallet.key.publicJwk,
  })
  return {
    constellation, scene, chu, clinic, operator, advance, somebody, credential,
    enrolled: async (name, number) => {
      const one = await somebody(name)
      const issued = await credential(one, chu, number)
      const url = await scene.sent(chu.identity, one.id)
      const browser = new Browser(constellation)
      await scene.proven(browser, url, one)
      const { status, text } = await scene.byWallet(browser, url, one.wallet, issued.credential)
      if (status !== 303) throw new Error(`not enrolled: ${status} ${text}`)
      return { one, issued }
    },
    status: async (one) => {
      const signed = await scene.statusOf(chu.identity, one.id)
      return signed === undefined ? undefined : statusIn(signed)
    },
    close: async () => {
      await scene.close()
      await constellation.close()
    },
  }
}
