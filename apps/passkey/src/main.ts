/** `scelle-passkey build CONSTELLATION.json FOLDER` and `scelle-passkey serve FOLDER PORT`. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { type Built, buildPage } from './build.ts'
import { servePage } from './server.ts'

const USAGE = `usage: scelle-passkey build CONSTELLATION.json FOLDER   builds the page into an empty folder
       scelle-passkey serve FOLDER PORT                 serves it on 127.0.0.1, behind what ends TLS
`

const build = async (constellation: string, folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0) throw new Error(`${folder} is not empty`)
  for (const [path, octets] of await buildPage(resolve(constellation))) {
    await writeFile(join(folder, path), octets, { flag: 'wx' })
    console.log(path)
  }
}

const builtIn = async (folder: string): Promise<Built> => {
  const names = await readdir(folder)
  return new Map(await Promise.all(names.map(async (name): Promise<[string, Uint8Array]> =>
    [`/${name}`, new Uint8Array(await readFile(join(folder, name)))])))
}

const serve = async (folder: string, port: string): Promise<void> => {
  const server = await servePage(await builtIn(folder), { host: '127.0.0.1', port: Number(port) })
  process.stderr.write(`passkey page: ${server.url}\n`)
  const stop = (): void => void server.close()
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

const [command, first, second, ...more] = process.argv.slice(2)
const isWhole = first !== undefined && second !== undefined && more.length === 0
try {
  if (isWhole && command === 'build') await build(first, second)
  else if (isWhole && command === 'serve' && /^\d{1,5}$/.test(second)) await serve(first, second)
  else {
    process.stderr.write(USAGE)
    process.exitCode = 2
  }
} catch (error) {
  process.stderr.write(`passkey page: ${error instanceof Error ? error.message : 'failed'}\n`)
  process.exitCode = 1
}
