/** The program in the README of the sdk that enrols somebody, and gets a root back once the phone is lost. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { PrintedSheet, RecoveryOptions, RootKeeper } from '@scelle/sdk/recovery'
import { createConstellation } from '../src/constellation.ts'
import { hex, openerOf, optionsOf, problemOf } from './recovery-scene.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

interface Program {
  enrol: (
    options: RecoveryOptions, prf: Uint8Array, typed: (sheet: PrintedSheet) => Promise<string>,
  ) => Promise<RootKeeper>
  lostPhone: (options: RecoveryOptions, typed: string, newPrf: Uint8Array) => Promise<RootKeeper>
}

const inReadme = async (): Promise<Program> => {
  const text = readFileSync(join(root, 'packages/sdk/README.md'), 'utf8')
  const blocks = text.split('```ts\n').map((block) => block.slice(0, block.indexOf('```')))
  mkdirSync(join(root, '.artifacts'), { recursive: true })
  const folder = mkdtempSync(join(root, '.artifacts/recovery-readme-'))
  const file = join(folder, 'program.ts')
  writeFileSync(file, blocks.find((block) => block.includes('lostPhone')) ?? '')
  const program = await import(file) as Program
  rmSync(folder, { recursive: true })
  return program
}

test('enrols, loses the phone, and is the same person on a new one; the old phone opens nothing', async () => {
  const world = await createConstellation({ seed: 'recovery in the README' })
  const { enrol, lostPhone } = await inReadme()
  const [prf, newPrf] = [world.random('old phone')(32), world.random('new phone')(32)]
  let sheet = ''
  const before = await enrol(optionsOf(world, 'old phone'), prf, async ({ groups }) => {
    sheet = groups.join(' ')
    return sheet
  })
  const after = await lostPhone(optionsOf(world, 'new phone'), sheet, newPrf)
  expect(hex(after.identity.id)).toBe(hex(before.identity.id))
  const opener = await openerOf(world, 'finder')
  expect(await problemOf(opener.passkey(prf))).toBe('wrap-invalid')
  expect(await problemOf(opener.passkey(newPrf))).toBe('done')
  const careless = enrol(optionsOf(world, 'careless'), world.random('careless')(32), async () => 'scelle')
  expect(await problemOf(careless)).toBe('printed-invalid')
  await world.close()
})
