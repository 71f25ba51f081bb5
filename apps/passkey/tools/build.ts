/**
 * Builds the page: the same sources and the same `constellation.json` give the same bytes, so that anybody can tell
 * whether what an origin serves is what the publisher logged.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Plugin, rolldown } from 'rolldown'
import { type ConstellationFile, readConstellation } from '../src/page/constellation.ts'
import type { Built } from '../src/server.ts'

const ROOM = fileURLToPath(new URL('..', import.meta.url))

/** Under one name, wherever it lies: the bundle tells the paths of what it is made of. */
const constellationOf = (text: string): Plugin => ({
  name: 'constellation',
  resolveId: (id) => (id === '#constellation' ? 'constellation.json' : undefined),
  load: (id) => (id === 'constellation.json' ? { code: text, moduleType: 'json' } : undefined),
})

const bundle = async (constellation: string): Promise<Uint8Array> => {
  const build = await rolldown({
    input: `${ROOM}src/page/main.ts`,
    cwd: ROOM,
    platform: 'browser',
    logLevel: 'silent',
    plugins: [constellationOf(constellation)],
    resolve: { conditionNames: ['scelle-web', 'browser', 'import'] },
  })
  try {
    // Readable: whoever checks the page reads this file.
    const { output } = await build.generate({ format: 'esm', sourcemap: false, comments: false })
    const [chunk, ...more] = output
    if (more.length > 0) throw new Error('the page is one script; something in it is loaded later')
    return new TextEncoder().encode(chunk.code)
  } finally {
    await build.close()
  }
}

/** Subresource Integrity: the browser runs no script or style but the one that the page was built with. */
const integrityOf = (octets: Uint8Array): string => `sha384-${createHash('sha384').update(octets).digest('base64')}`

const asset = async (name: string): Promise<Uint8Array> => new Uint8Array(await readFile(`${ROOM}assets/${name}`))

/** `constellation`: path of a constellation.json. Throws an Error that names what is wrong in it. */
export const buildPage = async (constellation: string): Promise<Built> => {
  const file = new Uint8Array(await readFile(constellation))
  const text = new TextDecoder().decode(file)
  readConstellation(JSON.parse(text) as ConstellationFile)
  const parts = { 'page.css': await asset('page.css'), 'page.js': await bundle(text) }
  let index = new TextDecoder().decode(await asset('index.html'))
  for (const [name, octets] of Object.entries(parts)) index = index.replace(`{{${name}}}`, integrityOf(octets))
  return new Map([
    ['/constellation.json', file],
    ['/index.html', new TextEncoder().encode(index)],
    ...Object.entries(parts).map(([name, octets]): [string, Uint8Array] => [`/${name}`, octets]),
  ])
}
