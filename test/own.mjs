import { bowserDevice } from '@countersign/adapters/bowser'
import { mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { createAuditTrail, rowId, runInContext } from '@countersign/core'
import { postgresStore } from './bench/writer-stores.js'

const store = await postgresStore()
const sink = mikroOrmSink(store.orm, {
  connections: Number(process.env.CONN ?? 2),
  maxBatch: Number(process.env.BATCH ?? 1000),
})
const sizes = []
sink.onBatch?.((rows, s) => sizes.push(rows))
const trail = createAuditTrail({
  sink,
  key: 'a key of the bench, and long enough for one',
  device: bowserDevice(),
  events: { invoice_payment: { severity: 'low' } },
})
const attempts = [
  [
    'login',
    {
      outcome: 'failure',
      reason: 'bad_credentials',
      subject: { type: 'user', id: '0198f1c2-7a51-7c3e-9d52-6d0f7a1be001' },
      attempted: 'jane.doe@example.com',
      details: { method: 'password', remember: true },
    },
  ],
  [
    'invoice_payment',
    {
      actor: { type: 'user', id: '0198f1c2-7a51-7c3e-9d52-6d0f7a1be001', label: 'Jane Doe' },
      onBehalfOf: { type: 'user', id: '0198f1c2-7a51-7c3e-9d52-6d0f7a1be002' },
      subject: { type: 'invoice', id: 'inv_0889' },
      details: { amount: 4990, currency: 'EUR', card: { brand: 'visa', last4: '4242' }, tags: ['q4', 'priority'] },
    },
  ],
]
const request = {
  sessionId: 'ses_8b1f0c55a7',
  tenant: 'acme',
  address: '203.0.113.7',
  proxies: [
    { address: '10.0.0.1', trusted: true },
    { address: '203.0.113.7', trusted: false },
  ],
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  httpMethod: 'POST',
  route: '/invoices/:id/payments',
}
let made = 0
const record = () => {
  const [event, options] = attempts[made++ % 2]
  return runInContext({ ...request, requestId: rowId() }, () => trail.record(event, options))
}
for (let r = 0; r < 6; r++) {
  sizes.length = 0
  const c = process.cpuUsage(),
    t = performance.now()
  let left = 20000
  await Promise.all(
    Array.from({ length: 256 }, async () => {
      while (left-- > 0) await record()
    }),
  )
  const u = process.cpuUsage(c),
    ms = performance.now() - t
  console.log(
    ((20000 / ms) * 1000).toFixed(0),
    'rows/s',
    'cpu/row',
    ((u.user + u.system) / 20000).toFixed(1),
    'us, busy',
    ((u.user + u.system) / 10 / ms).toFixed(0) + '%',
    'batch',
    (20000 / sizes.length).toFixed(0),
  )
}
await trail.close()
await store.close()
