import type { Actor, Attempted, AuditContext, AuditRow, AuditSignal, AuditSink, AuditTrail } from '@countersign/core'
import type { LedgerUnderTest, StoreUnderTest } from '@countersign/core/testing'
import type { MigrationObject, MikroORM } from '@mikro-orm/core'

// What the snippets of docstrings and documents may use without saying where it comes from.
// A snippet that needs more than this, and the public names, shows it.
declare global {
  const trail: AuditTrail
  const sink: AuditSink
  const store: StoreUnderTest
  const ledgerStore: LedgerUnderTest
  const row: AuditRow
  const line: string
  const orm: MikroORM
  const ownMigrations: MigrationObject[]

  const user: { id: string; email: string }
  const currentUser: (context: AuditContext) => Actor | null
  const sessions: { open(body: LoginRequest): Promise<{ id: string; email: string }> }
  const invoices: { close(job: { id: string }): Promise<void> }
  const job: { id: string; tenant: string; context: string }
  const queue: { send(name: string, job: object): Promise<void> }

  class LoginRequest {
    email: string
    password: string
  }
  const body: LoginRequest
  const wrong: LoginRequest
  function post(path: string, body: object): Promise<Response>
  function it(title: string, run: () => Promise<void>): void
  function alert(attempted: Attempted | null, address: string | null): void
  function alertOperator(masked: string | undefined, address: string | null): void
  const stream: { write(signal: AuditSignal): boolean }

  class Account {
    login(email: string, password: string): Promise<{ ok: boolean }>
    logout(): Promise<void>
  }
  class PasswordReset {
    post(body: { email: string }): Promise<{ sent: boolean }>
  }
  class SessionController {
    login(body: LoginRequest): Promise<object>
  }
  class PasswordResetController extends PasswordReset {}

  namespace Express {
    interface Request {
      user?: Actor
    }
  }
}
