import { parseArgs } from 'node:util'
import { call } from './call.js'
import { login } from './login.js'
import { memory } from './memory.js'
import { overhead } from './overhead.js'
import { query } from './query.js'
import { reporter } from './report.js'
import { sequencer } from './sequencer.js'
import { session } from './session.js'
import { timing } from './timing.js'
import { verify } from './verify.js'
import { writer } from './writer.js'

const benches = { call, overhead, writer, login, session, timing, sequencer, verify, memory, query }

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const names = positionals.length > 0 ? positionals : Object.keys(benches)
const unknown = names.filter((name) => !(name in benches))
if (unknown.length > 0) {
  console.error(`There is no bench '${unknown[0]}'. There are: ${Object.keys(benches).join(', ')}.`)
  process.exit(2)
}
const { report, failed } = reporter(values)
for (const name of names) await benches[name](report)
process.exitCode = failed() ? 1 : 0
