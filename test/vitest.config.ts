import { defineConfig } from 'vitest/config'
import { LongestFirst } from './longest-first.js'

const project = (name: string, ...include: string[]) => ({ extends: true as const, test: { name, include } })

export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: './global-setup.ts',
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    // What is waited for is waited for on a starved machine, too.
    expect: { poll: { timeout: 10_000 } },
    projects: [
      project('contract', 'contract/**/*.test.ts'),
      project('unit', '{core,mixins,adapters,auth,console}/**/*.test.ts'),
      project('conformance', 'conformance/**/*.test.ts'),
      project('journeys', 'journeys/**/*.test.ts'),
      project('types', 'types/**/*.test.ts'),
      project('dist', 'dist/**/*.test.ts'),
      project('examples', 'examples/**/*.test.ts'),
      project('chaos', 'chaos/**/*.test.ts'),
    ],
  },
})
