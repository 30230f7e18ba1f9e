// A process that denies attempts until it is killed. Each line that it writes says how many it has denied by then,
// and how many of them the store had at least when it wrote it. At most so many are denied without a flush.
import { mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { rowId } from '@countersign/core'
import { sampleRow } from '@countersign/core/testing'
import { MikroORM } from '@mikro-orm/postgresql'
import { FloodBudget } from '../../packages/core/dist/flood-budget.js'

const { url, tenant, flush, batch, most } = JSON.parse(process.argv[2])
const orm = await MikroORM.init({ entities: [], discovery: { warnWhenNoEntities: false }, clientUrl: url })
const sink = mikroOrmSink(orm)
let denied = 0
let kept = 0
const tell = () => console.log(JSON.stringify({ denied, kept }))
const budget = new FloodBudget(
  { window: 3600, flush },
  {
    ledger: {
      ...sink.ledger,
      async put(tallies) {
        await sink.ledger.put(tallies)
        // With the first refusal, which has a row of its own.
        kept = 1 + tallies[0].row.repeatCount
        tell()
      },
    },
    deliver: (rows) => void sink.write(rows),
    announce: () => undefined,
    report: (code, message, cause) => console.error(code, message, cause),
  },
)
const deny = async (count) => {
  const rows = Array.from({ length: count }, () =>
    sampleRow({ id: rowId(), occurredAt: new Date(), outcome: 'denied', reason: 'throttled', tenant }),
  )
  denied += count
  const admitted = budget.admit(rows)
  if (admitted.length > 0) await sink.write(admitted)
}
await deny(1)
kept = 1
while (denied < most) {
  await deny(Math.min(batch, most - denied))
  tell()
  await new Promise((resolve) => setTimeout(resolve, 1))
}
// Its timers keep no process alive.
setInterval(() => undefined, 1000)
