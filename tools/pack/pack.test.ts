/** What is published installs in an empty folder and does what its README shows, on Node.js 24 and in Chromium. */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allBlocks, type Block, fileNameOf } from '../docs/blocks.ts'
import { readManifest } from '../repository.ts'
import { packAll, PUBLISHABLE, toDist } from './pack.ts'

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
const CHROMIUM_ARGUMENTS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]
if (!existsSync(CHROMIUM)) console.log(`pack: no ${CHROMIUM}, so the README's example does not run in a browser here`)

const examples = allBlocks().filter(({ file, info }) => file.startsWith('packages/') && info.startsWith('ts run'))
const inBrowser = examples.filter(({ info }) => info === 'ts run browser')

describe('the published packages', () => {
  const tarballs = mkdtempSync(join(tmpdir(), 'scelle-tarballs-'))
  const consumer = mkdtempSync(join(tmpdir(), 'scelle-consumer-'))
  const outputs = new Map<Block, string>()

  beforeAll(() => {
    const files = packAll(tarballs)
    const dependencies = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, `file:${file}`]))
    writeFileSync(join(consumer, 'package.json'), JSON.stringify({ type: 'module', private: true, dependencies }))
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
    execFileSync('npm', ['install', '--ignore-scripts', '--prefer-offline', ...quiet], {
      cwd: consumer,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    for (const block of examples) writeFileSync(join(consumer, fileNameOf(block)), block.code)
  })
  afterAll(() => {
    for (const folder of [tarballs, consumer]) rmSync(folder, { recursive: true })
  })

  test.each(PUBLISHABLE)('%s holds JavaScript, declarations, README and licence, and no source', (folder) => {
    const installed = join(consumer, 'node_modules', readManifest(folder).name)
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' })
    for (const file of ['package.json', 'README.md', 'LICENSE']) expect(files).toContain(file)
    expect(files.filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))).toEqual([])
    const manifest = readFileSync(join(installed, 'package.json'), 'utf8')
    expect(manifest).not.toContain('/src/')
    for (const [, path = ''] of manifest.matchAll(/"(\.\/dist\/[^"]+)"/g)) expect(files).toContain(path.slice(2))
  })

  test('every export can be imported by its name', () => {
    const specifiers = PUBLISHABLE.flatMap((folder) => {
      const { name, exports = {} } = readManifest(folder)
      return Object.keys(exports).map((subpath) => `${name}${subpath.slice(1)}`)
    })
    const program = `for (const s of ${JSON.stringify(specifiers)}) { await import(s); console.log(s) }`
    expect(runNode(['--input-type=module', '-e', program]).trim().split('\n')).toEqual(specifiers)
  })

  test.each(examples)('$file:$line runs on Node.js', (block) => {
    const output = runNode([fileNameOf(block)])
    expect(output).not.toBe('')
    outputs.set(block, output)
  })

  const runNode = (args: string[]): string =>
    execFileSync(process.execPath, args, { cwd: consumer, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

  test('there is an example for browsers', () => {
    expect(inBrowser).not.toEqual([])
  })

  test.skipIf(!existsSync(CHROMIUM)).each(inBrowser)('$file:$line says the same in Chromium', async (block) => {
    const output = await runInChromium(await bundle(join(consumer, fileNameOf(block))))
    expect(output).toBe(outputs.get(block))
  })

  const bundle = async (input: string): Promise<string> => {
    const build = await rolldown({ input, cwd: consumer, platform: 'browser', logLevel: 'silent' })
    const { output } = await build.generate({ format: 'esm', codeSplitting: false })
    await build.close()
    expect(output).toHaveLength(1)
    // A module of Node.js in a browser bundle would only fail when called.
    expect(output[0].imports).toEqual([])
    expect(output[0].code).not.toMatch(/from ?["']node:|require\(["']node:/)
    return output[0].code
  }
})

/** Runs one script on an origin of its own (WebCrypto wants a secure one: loopback is) and gives what it logged. */
const runInChromium = async (script: string): Promise<string> => {
  const server = createServer(({ url }, response) => {
    const isScript = url === '/example.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8')
    const page = '<!doctype html><script type=module src=example.js></script>'
    response.end(isScript ? `${script}\n;globalThis.done = true` : page)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const profile = mkdtempSync(join(tmpdir(), 'scelle-chromium-'))
  const options = { executablePath: CHROMIUM, args: CHROMIUM_ARGUMENTS }
  const browser = await chromium.launchPersistentContext(profile, options)
  try {
    const page = await browser.newPage()
    const said: string[] = []
    page.on('console', (message) => said.push(`${message.text()}\n`))
    page.on('pageerror', (error) => said.push(`error: ${error.message}\n`))
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    const ended = page.waitForFunction('globalThis.done === true', undefined, { timeout: 30_000 })
    await ended.catch(() => said.push('never ended\n'))
    return said.filter((line) => !line.includes('favicon')).join('')
  } finally {
    await browser.close()
    server.close()
    rmSync(profile, { recursive: true, force: true })
  }
}

describe('the rewriting of manifests', () => {
  test('points every condition into dist', () => {
    expect(toDist('./src/a.ts', true)).toEqual({ types: './dist/a.d.ts', default: './dist/a.js' })
    expect(toDist({ node: './src/n.ts', default: './src/w.ts' }, false)).toEqual({
      node: './dist/n.js', default: './dist/w.js',
    })
  })

  test('refuses what it cannot emit', () => {
    expect(() => toDist('./lib/a.ts', true)).toThrow('cannot pack')
  })
})
