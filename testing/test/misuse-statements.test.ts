/** An index that lies about vaults, keys, grants and its own word. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decode, encode, Manifest, Position, Positions, Signed } from '@scelle/seal/verify'
import { CommitAnswers, GrantList, KeyChain, Receipt, VaultView } from '@scelle/wire/messages'
import type { Effect } from '../src/network.ts'
import { forgedGrant } from './forged.ts'
import { codeOf, createScene, HOUR, item, lie, type Scene } from './scene.ts'

let scene: Scene
beforeEach(async () => {
  scene = await createScene('misuse-statements')
})
afterEach(() => scene.world.close())

describe('keys and statements', () => {
  it("another vault, another principal's keys, a key that does not chain to its genesis", async () => {
    const { hospital, vault, world } = scene
    const other = await hospital.createVault({ mode: 'custody', categories: [{ code: 'summary', strict: false }] })
    const genesisOf = new Map<string, VaultView>()
    const stop = lie(world, /\/v1\/vaults\/[0-9a-f]+$/, VaultView, (view) => {
      genesisOf.set(String(genesisOf.size), view)
      return genesisOf.get('0') as VaultView
    })
    await hospital.vault(other.id)
    expect(await codeOf(hospital.vault(vault.id))).toBe('vault-mismatch')
    stop()
    const [stranger, doctor] = [await world.client('person'), await world.client('person')]
    const stopKeys = lie(world, /\/v1\/principals\//, KeyChain, () => [...stranger.identity.chain])
    expect(await codeOf(hospital.principal(doctor.identity.id))).toBe('principal-mismatch')
    stopKeys()
    lie(world, /\/v1\/principals\//, KeyChain, (chain) => [...chain, stranger.identity.chain[0] as Uint8Array])
    expect(
      await codeOf(vault.share({
        basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + HOUR,
      })),
    ).toBe('key-chain-broken')
  })

  it("a manifest with the index's own key in it: writers refuse to seal to it", async () => {
    const { hospital, vault, world } = scene
    lie(world, /\/v1\/vaults\/[0-9a-f]+$/, VaultView, (view) => ({
      ...view,
      manifests: view.manifests.map((part) => ({
        ...part,
        versions: part.versions.map((signedBytes) => {
          const signed = decode(Signed, signedBytes)
          const manifest = decode(Manifest, signed.body)
          const publicKey = world.index.identity.keys.current.sealingKey
          const body = encode(Manifest, {
            ...manifest,
            categories: manifest.categories.map((entry) => ({ ...entry, publicKey })),
          })
          return encode(Signed, { ...signed, body })
        }),
      })),
    }))
    expect(await codeOf((await world.client(hospital.identity)).vault(vault.id))).toBe('signature-invalid')
  })

  it('a receipt signed by somebody else, or about something else', async () => {
    const { vault, world } = scene
    const stranger = await world.client('person')
    const forge = (sign: (body: Uint8Array) => Promise<Uint8Array>) =>
      world.network.add({
        host: world.index.host,
        target: /\/v1\/accesses$/,
        effect: {
          kind: 'replace',
          handle: async (request, server) => {
            const answer = await server(request)
            const { position } = decode(Receipt, answer.body)
            return {
              ...answer,
              headers: {},
              body: encode(Receipt, { position: await sign(decode(Signed, position).body) }),
            }
          },
        },
      })
    await vault.write([item('a')])
    const stop = forge((body) => stranger.identity.sign('position', body))
    expect(await codeOf(vault.open())).toBe('principal-mismatch')
    stop()
    forge((body) =>
      world.index.identity.sign(
        'position',
        encode(Position, { ...decode(Position, body), statement: new Uint8Array(32) }),
      ),
    )
    expect(await codeOf(vault.open())).toBe('release-mismatch')
  })

  it('one word about several commits: about others, fewer, in another order, by somebody else, or none', async () => {
    const { hospital, vault, world } = scene
    const stranger = await world.client('person')
    const custody = { mode: 'custody', categories: [{ code: 'summary', strict: false }] } as const
    const vaults = [vault, await hospital.createVault(custody), await hospital.createVault(custody)]
    const prepared = await Promise.all(vaults.map((one) => one.prepare([item('a')])))
    type Held = Positions['held']
    const answerOf = async (
      change: (held: Held) => Held | undefined, by = world.index.identity, index = world.index.id,
    ) => {
      const lying: Effect = {
        kind: 'replace',
        handle: async (request, server) => {
          const answer = await server(request)
          const { answers, positions } = decode(CommitAnswers, answer.body)
          const body = decode(Positions, decode(Signed, positions!).body)
          const held = change(body.held)
          const signed = held && { positions: await by.sign('positions', encode(Positions, { ...body, index, held })) }
          return { ...answer, headers: {}, body: encode(CommitAnswers, { ...signed, answers }) }
        },
      }
      const stop = world.network.add({ host: world.index.host, target: /\/v1\/commits$/, effect: lying })
      const code = await codeOf(hospital.submit(prepared))
      stop()
      return code
    }
    const other = (held: Held) => held.with(1, { ...held[1]!, statement: new Uint8Array(32) })
    expect(await answerOf(other)).toBe('release-mismatch')
    expect(await answerOf((held) => held.slice(1))).toBe('release-mismatch')
    expect(await answerOf((held) => [...held, held[0]!])).toBe('release-mismatch')
    expect(await answerOf((held) => held.toReversed())).toBe('release-mismatch')
    expect(await answerOf((held) => held, undefined, new Uint8Array(32))).toBe('release-mismatch')
    expect(await answerOf((held) => held, stranger.identity)).toBe('principal-mismatch')
    expect(await answerOf(() => undefined)).toBe('answer-invalid')
    // None of these settled anything: the same commits are submitted again and have their places.
    const results = await hospital.submit(prepared)
    expect(results.map(({ accepted }) => accepted)).toEqual([true, true, true])
  })

  it('an answer that is not canonical: encoding-not-canonical', async () => {
    const { vault, world } = scene
    await vault.write([item('a')])
    world.network.add({
      host: world.index.host,
      target: /\/feed\?/,
      // The same map of four, its head written in two bytes instead of one.
      effect: {
        kind: 'tamper',
        change: (answer) => ({
          ...answer,
          headers: {},
          body: Uint8Array.of(0xb8, answer.body[0]! & 0x1f, ...answer.body.subarray(1)),
        }),
      },
    })
    expect(await codeOf(vault.open())).toBe('encoding-not-canonical')
  })

  it('a grant that nobody gave, and keys of another grant', async () => {
    const { vault, world } = scene
    const doctor = await world.client('person')
    await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['summary'], until: world.now() + HOUR })
    await vault.share({ basis: 'consent', to: doctor.identity.id, categories: ['notes'], until: world.now() + HOUR })
    const stop = lie(world, /\/grants$/, GrantList, ([first, second]) => [
      { ...first!, keys: second!.keys! },
      second!,
    ])
    expect(await codeOf(doctor.vault(vault.id))).toBe('grant-seal-invalid')
    stop()
    const forged = await forgedGrant(scene, doctor.identity)
    lie(world, /\/grants$/, GrantList, ([first]) => [{ ...first!, chain: [forged] }])
    expect(await codeOf(doctor.vault(vault.id))).toBe('grant-chain-broken')
  })
})
