import { fileURLToPath } from 'node:url'

/** How many changes to core and mixins the unit tests notice. */
export default {
  mutate: ['packages/{core,mixins}/src/**/*.ts', '!packages/core/src/testing/**'],
  testRunner: 'vitest',
  vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
  plugins: ['@stryker-mutator/vitest-runner', fileURLToPath(new URL('messages.js', import.meta.url))],
  ignorers: ['messages'],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // A busy machine is no endless loop.
  timeoutMS: 20_000,
  disableTypeChecks: false,
  // What the unit tests and the sources need; everything else is left where it is.
  ignorePatterns: [
    '**',
    '!packages/*/src/**/*',
    '!packages/*/{package,tsconfig}.json',
    '!test/conformance/memory.test.ts',
    '!test/{core,mixins,support,mutation}/**/*',
    '!docs/{events,errors}.md',
    '!test/{package,tsconfig}.json',
    '!{package,tsconfig.base}.json',
  ],
  // Just below what was measured, 95.8: a loss is a failure.
  thresholds: { high: 98, low: 96, break: 95 },
  reporters: ['clear-text', 'progress-append-only', 'json', 'html'],
  clearTextReporter: { allowColor: false, logTests: false },
  jsonReporter: { fileName: 'coverage/mutation/report.json' },
  htmlReporter: { fileName: 'coverage/mutation/report.html' },
  incrementalFile: 'coverage/mutation/incremental.json',
  tempDirName: 'coverage/mutation/sandbox',
}
