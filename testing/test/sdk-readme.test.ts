/** The program in packages/sdk/README.md, run as it stands against a constellation on loopback. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Constellation, createConstellation } from '../src/constellation.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
let world: Constellation
let folder: string
beforeAll(async () => {
  world = await createConstellation({ seed: 'readme', sockets: { now: Date.now } })
  // Below the root, so that `@scelle/sdk` is found.
  mkdirSync(join(root, '.artifacts'), { recursive: true })
  folder = mkdtempSync(join(root, '.artifacts/sdk-readme-'))
})
afterAll(async () => {
  await world.close()
  rmSync(folder, { recursive: true })
})

describe('the program in the README', () => {
  it('prints what the text says', async () => {
    const [, program = ''] =
      /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'packages/sdk/README.md'), 'utf8')) ?? []
    const file = join(folder, 'program.ts')
    writeFileSync(file, program)
    const { stdout } = await promisify(execFile)(process.execPath, [file], {
      env: {
        ...process.env,
        SCELLE_INDEX: world.index.url,
        SCELLE_TRUSTEES: world.trustees.map(({ url }) => url).join(' '),
      },
    })
    expect(stdout).toBe('laboratory {"valueString":"4.7"}\nrevoked everywhere\n')
  })
})
