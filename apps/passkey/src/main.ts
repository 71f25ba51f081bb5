/** `scelle-passkey FOLDER PORT`: serves a built page on 127.0.0.1, behind what ends TLS. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { type Built, servePage } from './server.ts'

const USAGE = 'usage: scelle-passkey FOLDER PORT\n'

const builtIn = async (folder: string): Promise<Built> => {
  const names = await readdir(folder)
  return new Map(await Promise.all(names.map(async (name): Promise<[string, Uint8Array]> =>
    [`/${name}`, new Uint8Array(await readFile(join(folder, name)))])))
}

const serve = async (folder: string, port: number): Promise<void> => {
  const server = await servePage(await builtIn(folder), { host: '127.0.0.1', port })
  process.stderr.write(`passkey page: ${server.url}\n`)
  const stop = (): void => void server.close()
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

const [folder, port, ...more] = process.argv.slice(2)
if (folder === undefined || port === undefined || more.length > 0 || !/^\d{1,5}$/.test(port)) {
  process.stderr.write(USAGE)
  process.exitCode = 2
} else {
  await serve(folder, Number(port)).catch((error: unknown) => {
    process.stderr.write(`passkey page: ${error instanceof Error ? error.message : 'failed'}\n`)
    process.exitCode = 1
  })
}
