import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Real material that is not ours to publish: tests that need it say so and skip where it is absent. */
process.env['SCELLE_SHARED'] ??= fileURLToPath(new URL('../shared', import.meta.url))

/**
 * Two projects, one after the other. `units` answers within seconds. `wholes` starts processes, browsers or installers,
 * a file at a time, because on two cores they would only measure each other.
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
    projects: [
      {
        extends: true,
        test: {
          name: 'units',
          include: ['{packages,apps,testing,tools,bench,drills,spec,docs}/**/*.test.ts'],
          exclude: [...NEVER, ...WHOLES],
          testTimeout: 30_000,
          sequence: { groupOrder: 0 },
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
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
