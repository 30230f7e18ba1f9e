import assert from 'node:assert/strict'
import { createAuditTrail, memorySink, runInContext } from '@countersign/core'
import { auditMixin, withLoginAudit } from '@countersign/mixins'
import { auditRedactPreset, initLogger, withAudit } from 'evlog'
import { interleaved, median, medianRatio, spread } from './rounds.js'

const calls = 10_000
const kept = 1_000
const secret = '737-cvv'

const user = { type: 'user', id: 'usr_01J9ZK' }
const context = {
  requestId: '0198f1c2-7a51-7c3e-9d52-6d0f7a1be001',
  address: '203.0.113.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  httpMethod: 'POST',
  route: '/invoices/:id/payments',
}

const payment = {
  invoiceId: 'inv_0889',
  amount: 4990,
  currency: 'EUR',
  recurring: false,
  card: { brand: 'visa', last4: '4242', cvv: secret },
  tags: ['q4', 'priority'],
  note: 'Paid by phone; the customer asked for a receipt by mail',
}

class Conflict extends Error {
  status = 409
}

class Payments {
  async pay(input) {
    return { ok: input.amount > 0 }
  }

  async refuse() {
    throw new Conflict('The invoice is paid already.')
  }
}

/** Ours: a mixin over a class, and a trail that redacts, with rows in memory. */
function countersign() {
  const sink = memorySink({ capacity: kept })
  const trail = createAuditTrail({ sink })
  const withPaymentAudit = auditMixin({
    event: 'invoice_payment',
    method: 'pay',
    subject: ({ invoiceId }) => ({ type: 'invoice', id: invoiceId }),
    details: (input) => input,
  })
  class PaymentController extends withPaymentAudit(withPaymentAudit(Payments, { method: 'refuse' })) {
    static className = 'PaymentController'
    static trail = trail
    static actor = () => user
  }
  const controller = new PaymentController()
  return {
    succeed: () => controller.pay(payment),
    fail: () => controller.refuse(payment),
    records: () => sink.rows,
  }
}

/** Ours with what becomes a keyed hash: the identifier that was typed, and the session. */
function countersignLogin() {
  const trail = createAuditTrail({ sink: memorySink({ capacity: kept }) })
  class Session {
    async post(body) {
      return { ok: body.email.length > 0 }
    }
  }
  class SessionController extends withLoginAudit(Session) {
    static className = 'SessionController'
    static trail = trail
    static actor = () => user
  }
  const controller = new SessionController()
  const body = { email: 'jane.doe@example.com', password: secret }
  return { succeed: () => controller.post(body) }
}

/** The peer, set up as its documentation says. Its record has no room for the context. */
function evlog() {
  let records = []
  const drain = ({ event }) => {
    records.push(event)
    if (records.length >= kept * 2) records = records.slice(-kept)
  }
  initLogger({ silent: true, pretty: false, redact: { paths: [...auditRedactPreset.paths] }, drain })
  const payments = new Payments()
  const target = (input) => ({ type: 'invoice', id: input.invoiceId, ...input })
  const pay = withAudit({ action: 'invoice.payment', target }, (input) => payments.pay(input))
  const refuse = withAudit({ action: 'invoice.payment', target }, (input) => payments.refuse(input))
  const by = { actor: user, correlationId: context.requestId }
  return { succeed: () => pay(payment, by), fail: () => refuse(payment, by), records: () => records }
}

/** The least that can be called a record: an id, a time, who and what. Nothing is taken out of it. */
function byHand() {
  let records = []
  const payments = new Payments()
  return async () => {
    const result = await payments.pay(payment)
    records.push({ id: crypto.randomUUID(), at: new Date(), actor: user, details: { ...payment }, context })
    if (records.length >= kept * 2) records = records.slice(-kept)
    return result
  }
}

async function assertRecords(name, { succeed, fail, records }) {
  await succeed()
  await assert.rejects(fail(), Conflict)
  assert.equal(records().length, 2, `${name} leaves a record of every call`)
  for (const record of records()) {
    const text = JSON.stringify(record)
    assert.ok(text.includes(payment.note) && text.includes(user.id), `${name} records what happened`)
    assert.ok(!text.includes(secret), `${name} takes the secret out`)
  }
}

/** One round, in microseconds per call; in a context, where a request or a job would be in one. */
function round(run, inside = context) {
  return () =>
    runInContext(inside, async () => {
      const startedAt = performance.now()
      for (let call = 0; call < calls; call++) await run()
      return ((performance.now() - startedAt) * 1000) / calls
    })
}

function failingRound(run) {
  return round(async () => {
    try {
      await run()
    } catch {}
  })
}

/** What one audited call costs in the process, beside the nearest rival. */
export async function call(report) {
  const own = countersign()
  const peer = evlog()
  await runInContext(context, () => assertRecords('countersign', own))
  await assertRecords('evlog', peer)
  const payments = new Payments()
  const figures = await interleaved(
    {
      bare: round(() => payments.pay(payment)),
      byHand: round(byHand()),
      own: round(own.succeed),
      ownContext: round(() => runInContext(context, own.succeed)),
      ownHashes: round(countersignLogin().succeed, { ...context, sessionId: 'ses_8b1f0c55a7' }),
      peer: round(peer.succeed),
      bareFailing: failingRound(() => payments.refuse(payment)),
      ownFailing: failingRound(own.fail),
      ownContextFailing: failingRound(() => runInContext(context, own.fail)),
      peerFailing: failingRound(peer.fail),
    },
    { rounds: 25, warmup: 4 },
  )
  const time = (figure, values) =>
    report({ bench: 'call', backend: 'memory', figure, value: median(values), unit: 'µs', spread: spread(values) })
  const ratio = (figure, values, peers, atMost) =>
    report({ bench: 'call', backend: 'memory', figure, value: medianRatio(values, peers), unit: 'ratio', atMost })

  time('bare method', figures.bare)
  time('record by hand, nothing redacted', figures.byHand)
  time('audited', figures.own)
  time('audited, with a context of its own', figures.ownContext)
  time('audited, with two keyed hashes', figures.ownHashes)
  time('evlog withAudit', figures.peer)
  ratio('audited / evlog', figures.own, figures.peer, 0.1)
  time('bare method, throwing', figures.bareFailing)
  time('audited, throwing', figures.ownFailing)
  time('audited, with a context of its own, throwing', figures.ownContextFailing)
  time('evlog withAudit, throwing', figures.peerFailing)
  ratio('audited / evlog, throwing', figures.ownFailing, figures.peerFailing, 0.2)
}
