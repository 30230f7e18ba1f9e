import { createReadStream, createWriteStream } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { auditLog } from '@countersign/adapters/mikro-orm'
import { readBundle, verifyLog, writeBundle } from '@countersign/core/evidence'
import { storeAt } from './writer-stores.js'

// Does one piece of work in a process of its own, and prints by how much its memory grew at the most.

const [work, url, bundle] = process.argv.slice(2)
const { verifyBundle } = await import(new URL('../../packages/console/verify/verify-bundle.mjs', import.meta.url).href)
const orm = await storeAt(url)
const log = auditLog(orm)

const works = {
  export: async (range) => pipeline(Readable.from(writeBundle(await log.open(range))), createWriteStream(bundle)),
  database: async (range) => sound(await verifyLog(await log.open(range))),
  bundle: async () => sound(await verifyLog(await readBundle(createReadStream(bundle)))),
  'one-file': async () => sound(await verifyBundle(createReadStream(bundle))),
}

function sound(report) {
  if (!report.sound) throw new Error(JSON.stringify(report))
}

// What is loaded and compiled by the first of it is no matter of a million rows.
if (work === 'export' || work === 'database') await works[work]({ from: 0, to: 1000 })
globalThis.gc()
const before = process.memoryUsage().rss
let most = before
const watching = setInterval(() => {
  most = Math.max(most, process.memoryUsage().rss)
}, 20)
const start = performance.now()
await works[work]({})
const seconds = (performance.now() - start) / 1000
clearInterval(watching)
await log.close()
await orm.close()
console.log(JSON.stringify({ added: Math.max(most, process.memoryUsage().rss) - before, seconds }))
