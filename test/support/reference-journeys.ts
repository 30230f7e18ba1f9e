import type { AuditRow } from '@countersign/core'
import { beforeAll, beforeEach } from 'vitest'
import { AuthClient } from './auth-client.js'
import { type Make, ownSystem, rowsOf, type TestSystem } from './auth-systems.js'
import { password } from './password-journeys.js'

/** A system for the tests of one suite, where Ada has an account and root is an administrator. */
export interface ReferenceJourneys {
  readonly system: TestSystem
  /** New for each test. */
  readonly client: AuthClient
  /** The rows that something leaves. */
  rowsOf(run: () => Promise<unknown>): Promise<AuditRow[]>
}

export function referenceJourneys(make: Make): ReferenceJourneys {
  const system = ownSystem(make)
  let client: AuthClient
  beforeAll(async () => {
    await new AuthClient(system().url).signUpAndVerify('ada@example.org', password)
    await system().auth.services.accounts.ensureAdmin('root@example.org', password)
  })
  beforeEach(() => {
    client = new AuthClient(system().url)
  })
  return {
    get system() {
      return system()
    },
    get client() {
      return client
    },
    rowsOf: (run) => rowsOf(system(), run),
  }
}
