/**
 * Checks the frozen vectors: `node --conditions=scelle-web spec/vectors/check.ts` runs the browser's primitives in Node. Prints
 * one line a file, and each vector that does not hold.
 */
import { readFileSync } from 'node:fs'
import { FILES, failures } from './failures.ts'

for (const name of FILES) {
  const file = JSON.parse(readFileSync(new URL(`v1/${name}.json`, import.meta.url), 'utf8')) as Parameters<typeof failures>[0]
  const wrong = await failures(file)
  console.log(`${name}: ${file.vectors.length - wrong.length} of ${file.vectors.length} vectors hold`, ...wrong)
  if (wrong.length > 0) process.exitCode = 1
}
