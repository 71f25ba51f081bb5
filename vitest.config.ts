import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Real material that is not ours to publish: tests that need it say so and skip where it is absent. */
process.env['SCELLE_SHARED'] ??= fileURLToPath(new URL('../shared', import.meta.url))

/**
 * Two projects. `units` answers within seconds. `wholes` starts processes, browsers or installers, and waits for them
 * more than it works: so it has more time, and units go on beside it.
 */
const WHOLES = [
  'tools/{pack,launchers,docs,lint}/**/*.test.ts',
  'apps/cli/test/**/*.test.ts',
  '**/*.whole.test.ts',
]
const NEVER = ['**/node_modules/**', '**/dist/**']

export default defineConfig({
  test: {
    pool: 'forks',
    // Also on two cores, where one would be the default: a whole waits most of its time.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          name: 'units',
          include: ['{packages,apps,testing,tools,bench,drills,spec,docs}/**/*.test.ts'],
          exclude: [...NEVER, ...WHOLES],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'wholes',
          include: WHOLES,
          exclude: NEVER,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
})
