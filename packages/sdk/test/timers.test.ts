import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const timers = fileURLToPath(new URL('../src/timers.ts', import.meta.url))

/** What a process of its own says before it ends by itself. */
const said = (program: string): string => {
  const source = `const { pause, systemTimers } = await import(${JSON.stringify(timers)}); ${program}`
  return execFileSync(process.execPath, ['--input-type=module', '--eval', source], { encoding: 'utf8' })
}

test('a process does not end while somebody in it waits', () => {
  expect(said('await pause(systemTimers, 20); console.log(1)')).toBe('1\n')
})

test('a process ends where a timer is left that nobody waits for', () => {
  expect(said('systemTimers.after(60_000, () => console.log(1)); console.log(2)')).toBe('2\n')
})
