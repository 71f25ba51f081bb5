/** The second reader, in Python, opens the golden vault and every vector, and refuses what must be refused. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const PYTHON = '/usr/bin/python3'
const reader = fileURLToPath(new URL('reader/reader.py', import.meta.url))
const wycheproof = join(process.env['SCELLE_SHARED'] ?? '', 'vectors/wycheproof')

test('reads and refuses as the first one does', () => {
  const mlkem = existsSync(wycheproof)
  if (!mlkem) console.warn("shared vectors absent: the reader's ML-KEM is checked by our own vectors only")
  const ecdsa = existsSync(join(wycheproof, 'ecdsa_secp256r1_sha256_p1363_test.json'))
  if (!ecdsa) console.warn("Wycheproof's ECDSA absent: the reader's P-256 is checked by our own vectors only")
  const environment = { PATH: process.env['PATH'], PYTHONDONTWRITEBYTECODE: '1' }
  const given = [...(mlkem ? ['--mlkem', wycheproof] : []), ...(ecdsa ? ['--p256', wycheproof] : [])]
  const run = spawnSync(PYTHON, [reader, ...given], {
    encoding: 'utf8',
    env: environment,
  })
  expect(run.stderr).toBe('')
  expect(run.stdout).not.toContain('WRONG')
  expect(run.stdout).toContain('golden vault: 8 records opened by owner and trustees')
  const files = readdirSync(new URL('vectors/v1/', import.meta.url))
  expect(run.stdout.match(/^\w+\.json: (\d+) of \1 vectors hold$/gm)?.length).toBe(files.length)
  expect(run.status).toBe(0)
})
