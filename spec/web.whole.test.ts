/** The frozen vectors through the web's primitives: in Node's WebCrypto, and in a real browser. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { rolldown } from 'rolldown'
import { expect, test } from 'vitest'
import { FILES } from './vectors/failures.ts'

const CHROMIUM = '/usr/bin/chromium'
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

test("in Node, with the condition that picks the web's primitives", () => {
  const run = spawnSync(process.execPath, ['--conditions=scelle-web', at('vectors/check.ts')], { encoding: 'utf8' })
  expect(run.stdout.match(/^(\w+): (\d+) of \2 vectors hold$/gm)?.length, run.stdout + run.stderr).toBe(FILES.length)
  expect(run.status).toBe(0)
})

const bundled = async (): Promise<string> => {
  const build = await rolldown({ input: at('vectors/page.ts'), platform: 'browser', logLevel: 'silent' })
  const { output } = await build.generate({ format: 'esm' })
  return output[0].code
}

/** Serves the page, its script and the vectors, on loopback: WebCrypto is there for secure origins only. */
const serve = async (script: string): Promise<Server> => {
  const server = createServer((request, response) => {
    const name = /^\/(\w+)\.json$/.exec(request.url ?? '')?.[1]
    if (request.url === '/page.js') response.setHeader('content-type', 'text/javascript').end(script)
    else if (name !== undefined) response.end(readFileSync(at(`vectors/v1/${name}.json`)))
    else
      response
        .setHeader('content-type', 'text/html')
        .end('<!doctype html><title>vectors</title><script type="module" src="/page.js"></script>')
  })
  await new Promise<void>((ready) => {
    server.listen(0, '127.0.0.1', ready)
  })
  return server
}

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

if (!existsSync(CHROMIUM)) console.warn("no system Chromium: the browser's run of the vectors is skipped")

test.skipIf(!existsSync(CHROMIUM))('in Chromium', async () => {
  const script = await bundled()
  expect(script).not.toMatch(/from ?["']node:/)
  const server = await serve(script)
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS })
  try {
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    for (const name of FILES) {
      const wrong = await page.evaluate(async (file) => {
        const vectors: unknown = await (await fetch(`/${file}.json`)).json()
        return (globalThis as unknown as { failures: (from: unknown) => Promise<string[]> }).failures(vectors)
      }, name)
      expect(wrong).toEqual([])
    }
  } finally {
    await browser.close()
    server.close()
  }
})
