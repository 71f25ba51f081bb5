/** `node apps/passkey/tools/main.ts CONSTELLATION.json FOLDER`: builds the page into an empty folder. */
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { buildPage } from './build.ts'

const build = async (constellation: string, folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty`)
  for (const [path, octets] of await buildPage(constellation)) {
    await writeFile(join(folder, path), octets, { flag: 'wx' })
    process.stdout.write(`${path}\n`)
  }
}

const [constellation, folder, ...more] = process.argv.slice(2)
if (constellation === undefined || folder === undefined || more.length > 0) {
  process.stderr.write('usage: node apps/passkey/tools/main.ts CONSTELLATION.json FOLDER\n')
  process.exitCode = 2
} else {
  await build(constellation, folder).catch((error: unknown) => {
    process.stderr.write(`passkey page: ${error instanceof Error ? error.message : 'failed'}\n`)
    process.exitCode = 1
  })
}
