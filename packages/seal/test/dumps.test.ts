/** What ends up in a log: objects that hold secrets, printed, serialised and copied without thinking. */
import { Console } from 'node:console'
import { Writable } from 'node:stream'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { createAccess } from '../src/grants.ts'
import { exportIdentity, importIdentity, rotateIdentity } from '../src/identity.ts'
import { openManifest } from '../src/keys.ts'
import { toHex } from '../src/verify.ts'
import { makeWorld, type World } from './fixtures.ts'

const printed = (value: unknown): string => {
  let text = ''
  const sink = new Writable({ write: (chunk, _, done) => ((text += String(chunk)), done()) })
  new Console(sink).log('%o %O', value, value)
  new Console(sink).dir(value, { depth: null, showHidden: true })
  return text
}

const everyDump = (value: unknown): string[] => [
  printed(value),
  printed({ inside: [value] }),
  ...[true, false].flatMap((showHidden) =>
    [true, false].map((customInspect) =>
      inspect(value, { showHidden, customInspect, depth: null, maxArrayLength: null, maxStringLength: null }),
    ),
  ),
  JSON.stringify(value),
  JSON.stringify({ inside: [value] }),
  JSON.stringify({ ...(value as object) }),
]

/** A secret as each of the dumps would show it. */
const formsOf = (secret: Uint8Array): string[] => [
  [...secret.subarray(0, 6)].join(', '),
  [...secret.subarray(0, 6)].map((byte, i) => `"${i}":${byte}`).join(','),
  [...secret.subarray(0, 6)].join(','),
  Buffer.from(secret).toString('hex').slice(0, 12),
  Buffer.from(secret).toString('base64').slice(0, 8),
]

const accessOf = (world: World) =>
  createAccess(
    {
      vault: world.vault.vault,
      custodian: world.owner.id,
      reader: world.reader,
      capsules: [new Uint8Array(32)],
      chain: [],
      purpose: 'treatment',
    },
    world.context,
  )

test('identities, accesses and manifests show no secret in any dump, and still have them', async () => {
  const world = await makeWorld('dumps')
  const rotated = await rotateIdentity(world.writer, world.context)
  const access = await accessOf(world)
  const { manifest } = world.vault
  for (const [value, secrets] of [
    [world.writer, world.writer.secrets.flatMap(({ signing, sealing }) => [signing ?? sealing, sealing])],
    [rotated, rotated.secrets.flatMap(({ signing, sealing }) => [signing ?? sealing, sealing])],
    [access, [access.oneTimeSecret]],
    [manifest, manifest.secrets.flatMap(({ secret }) => secret ?? [])],
    [world.vault, manifest.secrets.flatMap(({ secret }) => secret ?? [])],
  ] as const) {
    expect(secrets.length).toBeGreaterThan(0)
    for (const dump of everyDump(value)) {
      expect(dump.length).toBeGreaterThan(1)
      for (const form of secrets.flatMap(formsOf)) expect(dump).not.toContain(form)
    }
  }
  const bare = Uint8Array.of(9, 8, 7, 6, 5, 4)
  expect(formsOf(bare).some((form) => printed(bare).includes(form))).toBe(true)
})

test('what is hidden from dumps is there for whom it is for', async () => {
  const world = await makeWorld('still there')
  const again = await importIdentity(exportIdentity(world.writer))
  expect(again.secrets.map(({ signing, sealing }) => toHex(signing ?? sealing))).toEqual(
    world.writer.secrets.map(({ signing, sealing }) => toHex(signing ?? sealing)),
  )
  expect(JSON.parse(JSON.stringify(world.writer))).toMatchObject({ keys: { kind: 'organisation' } })
  const { manifest } = world.vault
  expect(await openManifest(manifest.manifest, world.owner)).toEqual(manifest.secrets)
  expect((await accessOf(world)).oneTimeSecret.length).toBe(32)
})
