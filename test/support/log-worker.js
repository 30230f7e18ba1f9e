import { setTimeout as wait } from 'node:timers/promises'
import { logSequencer, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { noteSigner } from '@countersign/core/evidence'
import { sampleRow } from '@countersign/core/testing'
import { MikroORM } from '@mikro-orm/postgresql'

// Writes rows and gives leaves to whatever has none, until it is killed or told to end; says which rows are safe.

const [url, key] = process.argv.slice(2)
const orm = await MikroORM.init({ clientUrl: url, entities: [], discovery: { warnWhenNoEntities: false } })
const sink = mikroOrmSink(orm)
const sequencer = logSequencer(orm, { signer: noteSigner(key), interval: 20 })
sequencer.start()
let ending = false
process.on('SIGTERM', () => {
  ending = true
})
while (!ending) {
  const rows = Array.from({ length: 1 + Math.floor(Math.random() * 20) }, () => sampleRow())
  await sink.write(rows)
  console.log(rows.map(({ id }) => id).join('\n'))
  await wait(Math.random() * 10)
}
await sequencer.stop()
await sink.close()
await orm.close()
