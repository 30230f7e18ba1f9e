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

/** Ours: a mixin over a class, a context, a trail with redaction on, rows in memory. */
function ours() {
  const sink = memorySink({ capacity: kept })
  const trail = createAuditTrail({ sink })
  const declaration = {
    event: 'invoice_payment',
    subject: ({ invoiceId }) => ({ type: 'invoice', id: invoiceId }),
    details: (input) => input,
  }
  const withPaymentAudit = auditMixin({ ...declaration, method: 'pay' })
  class PaymentController extends withPaymentAudit(withPaymentAudit(Payments, { method: 'refuse' })) {
    static className = 'PaymentController'
    static trail = trail
    static actor = () => user
  }
  const controller = new PaymentController()
  return {
    succeed: () => runInContext(context, () => controller.pay(payment)),
    fail: () => runInContext(context, () => controller.refuse(payment)),
    rows: () => sink.rows,
  }
}

/** The same with an identifier and a session, which both become keyed hashes. */
function oursWithHashes() {
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
  const withSession = { ...context, sessionId: 'ses_8b1f0c55a7' }
  const body = { email: 'jane.doe@example.com', password: secret }
  return { succeed: () => runInContext(withSession, () => controller.post(body)) }
}

/** The peer, as its documentation sets it up; what its records can't hold (the context) is left out. */
function evlog() {
  let records = []
  const keep = ({ event }) => {
    records.push(event)
    if (records.length >= kept * 2) records = records.slice(-kept)
  }
  initLogger({ silent: true, pretty: false, redact: { paths: [...auditRedactPreset.paths] }, drain: keep })
  const payments = new Payments()
  const target = (input) => ({ type: 'invoice', id: input.invoiceId, ...input })
  const pay = withAudit({ action: 'invoice.payment', target }, (input) => payments.pay(input))
  const refuse = withAudit({ action: 'invoice.payment', target }, (input) => payments.refuse(input))
  const by = { actor: user, correlationId: context.requestId }
  return { succeed: () => pay(payment, by), fail: () => refuse(payment, by), rows: () => records }
}

/** What nobody can do without: an id, a time, and a record of who and what, unredacted. */
function minimum() {
  let records = []
  const payments = new Payments()
  return async () => {
    const startedAt = performance.now()
    const result = await payments.pay(payment)
    records.push({ id: crypto.randomUUID(), at: new Date(), startedAt, actor: user, details: { ...payment }, context })
    if (records.length >= kept * 2) records = records.slice(-kept)
    return result
  }
}

async function assertRecords(name, subject) {
  const before = subject.rows().length
  await subject.succeed()
  await assert.rejects(subject.fail(), Conflict)
  const rows = subject.rows().slice(before)
  assert.equal(rows.length, 2, `${name} leaves a record of every call`)
  for (const row of rows) {
    const text = JSON.stringify(row)
    assert.ok(text.includes(payment.note) && text.includes(user.id), `${name} records what happened`)
    assert.ok(!text.includes(secret), `${name} takes the secret out`)
  }
}

/** Microseconds per call, one call after the other. */
function timed(run) {
  return async () => {
    const startedAt = performance.now()
    for (let call = 0; call < calls; call++) await run()
    return ((performance.now() - startedAt) * 1000) / calls
  }
}

function timedFailing(run) {
  return timed(async () => {
    try {
      await run()
    } catch {}
  })
}

/** What one audited call costs in the process, beside the nearest rival. */
export async function call(report) {
  const own = ours()
  const peer = evlog()
  await assertRecords('countersign', own)
  await assertRecords('evlog', peer)
  const payments = new Payments()
  const figures = await interleaved(
    {
      bare: timed(() => payments.pay(payment)),
      minimum: timed(minimum()),
      own: timed(own.succeed),
      hashes: timed(oursWithHashes().succeed),
      peer: timed(peer.succeed),
      bareFailing: timedFailing(() => payments.refuse(payment)),
      ownFailing: timedFailing(own.fail),
      peerFailing: timedFailing(peer.fail),
    },
    { rounds: 25, warmup: 4 },
  )
  const time = (figure, values) =>
    report({ bench: 'call', backend: 'memory', figure, value: median(values), unit: 'µs', spread: spread(values) })
  const ratio = (figure, values, peers, atMost) =>
    report({ bench: 'call', backend: 'memory', figure, value: medianRatio(values, peers), unit: 'ratio', atMost })

  time('bare method', figures.bare)
  time('unredacted record by hand', figures.minimum)
  time('audited call', figures.own)
  time('audited call, with two keyed hashes', figures.hashes)
  time('evlog withAudit', figures.peer)
  ratio('audited call to evlog', figures.own, figures.peer, 0.1)
  time('bare method that throws', figures.bareFailing)
  time('audited call that throws', figures.ownFailing)
  time('evlog withAudit that throws', figures.peerFailing)
  ratio('audited call to evlog, when it throws', figures.ownFailing, figures.peerFailing, 0.2)
}
