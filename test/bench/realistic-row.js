import { rowId } from '@countersign/core'

let number = 0

/** A row as a login leaves it: now of somebody who is known, now of somebody who is not. */
export function realisticRow() {
  number++
  const id = rowId()
  const isKnown = number % 4 !== 0
  return {
    id,
    occurredAt: new Date(),
    event: 'login',
    eventVersion: 1,
    outcome: isKnown ? 'success' : 'failure',
    reason: isKnown ? null : 'bad_credentials',
    severity: isKnown ? 'informational' : 'low',
    actor: isKnown ? { type: 'user', id: `user-${number % 5000}`, label: 'ada@example.org' } : { type: 'anonymous' },
    onBehalfOf: null,
    subject: isKnown ? null : { type: 'user', id: `user-${number % 5000}` },
    attempted: { hash: 'u3kQ0mVqFqg3JHnNnqg5uA', masked: 'a***@e***.org' },
    className: 'LoginController',
    methodName: 'post',
    tenant: null,
    sessionId: isKnown ? 'u3kQ0mVqFqg3JHnNnqg5uA' : null,
    requestId: '0b9c0f6e-3f0a-4f5e-9a55-1f0d6e1b2c3d',
    address: `10.0.${number % 250}.7`,
    proxies: [{ address: '10.0.0.1', trusted: true }],
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36',
    device: { browser: 'Chrome', os: 'Linux', type: 'desktop' },
    httpMethod: 'POST',
    route: '/api/auth/login',
    status: isKnown ? 200 : 401,
    durationMs: 12.5,
    scope: null,
    limit: null,
    retryAfter: null,
    details: { method: 'password', remember: true },
    repeatCount: null,
    firstAt: null,
    lastAt: null,
    erasedAt: null,
  }
}
