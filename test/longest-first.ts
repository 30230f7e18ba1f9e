import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// Those that take a minute or more: whichever began last, the other workers would wait for.
const longest = [
  'conformance/log-tampering.test.ts',
  'dist/consumer.test.ts',
  'examples/auth-server.test.ts',
  'journeys/limits-across-processes.test.ts',
  'chaos/kill.test.ts',
  'journeys/auth-server-shutdown.test.ts',
  'conformance/log-late-commits.test.ts',
  'conformance/query-plans.test.ts',
  'journeys/random-stacks.test.ts',
  'examples/examples.test.ts',
  'journeys/pages.test.ts',
  'contract/readme-program.test.ts',
]

/** Begins with what takes longest. */
export class LongestFirst extends BaseSequencer {
  constructor(...parts: ConstructorParameters<typeof BaseSequencer>) {
    super(...parts)
    const gone = longest.filter((name) => !existsSync(join(import.meta.dirname, name)))
    if (gone.length > 0) throw new Error(`test/longest-first.ts names tests that are not there: ${gone.join(', ')}`)
  }

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((name) => moduleId.endsWith(`/test/${name}`))
      return place === -1 ? longest.length : place
    }
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}
