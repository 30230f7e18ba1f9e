import type { AuditRow, AuditTrail } from '@countersign/core'
import { expectAudit, sampleRow } from '@countersign/core/testing'

declare const trail: AuditTrail
declare const wrong: { email: string; password: string }
declare function post(path: string, body: object): Promise<Response>

export const rows: AuditRow[] = await expectAudit(trail, () => post('/login', wrong)).toEmit([
  { event: 'login', outcome: 'failure', reason: 'bad_credentials' },
])
await expectAudit(trail, () => post('/health', {})).toEmitNothing()
export const row: AuditRow = sampleRow({ event: 'logout', details: {} })

// @ts-expect-error What is no field of a row would never match.
expectAudit(trail, () => undefined).toEmit([{ evnet: 'login' }])
