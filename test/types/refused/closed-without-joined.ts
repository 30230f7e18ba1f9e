// a policy that would refuse an attempt without undoing it, saying what it needs
import { createAuditTrail, type EventPolicy, memorySink } from '@countersign/core'

const sink = memorySink()

// TS2322: Property 'delivery' is missing … unreachable: 'closed' needs delivery: 'joined': only then does nothing of a refused attempt remain
createAuditTrail({ sink, policies: { login: { unreachable: 'closed' } } })
// TS2322: unreachable: 'closed' needs delivery: 'joined': only then does nothing of a refused attempt remain
createAuditTrail({ sink, policies: { login: { delivery: 'awaited', unreachable: 'closed' } } })
// TS2322: unreachable: 'closed' needs delivery: 'joined': only then does nothing of a refused attempt remain
export const policy: EventPolicy = { delivery: 'deferred', unreachable: 'closed' }
