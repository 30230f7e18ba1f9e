import { defineConfig } from 'vitest/config'

/**
 * The unit tests of core and mixins and the conformance of the store in memory, over the sources
 * in place of what is built: what is mutated is what runs.
 */
export default defineConfig({
  resolve: {
    alias: [
      { find: /^@countersign\/(core|mixins)$/, replacement: source('$1/src/index.ts') },
      { find: /^@countersign\/(\w+)\/(.+)$/, replacement: source('$1/src/$2/index.ts') },
      { find: /^.*\/packages\/(\w+)\/dist\/(.+)\.js$/, replacement: source('$1/src/$2.ts') },
    ],
  },
  test: {
    root: `${import.meta.dirname}/..`,
    include: ['core/**/*.test.ts', 'mixins/**/*.test.ts', 'conformance/memory.test.ts'],
    // Many a mutant waits for what never comes.
    testTimeout: 8_000,
    expect: { poll: { timeout: 5_000 } },
    isolate: false,
    setupFiles: ['mutation/fresh-modules.ts'],
  },
})

function source(path: string): string {
  return `${import.meta.dirname}/../../packages/${path}`
}
