import type { TrailGauges } from '@countersign/core'
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { RowCounts } from './row-counts.js'

/** What is read when somebody asks. */
export interface MeasuresSources {
  readonly counts: RowCounts
  readonly trails: () => readonly TrailGauges[]
}

/** What is observed as it happens. */
export interface Measures {
  readonly delivery: Histogram<'where'>
  readonly batchRows: Histogram
  readonly batchSeconds: Histogram
}

const secondsBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const rowsBuckets = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]

/** Puts every metric into the registry; throws where a name is taken. */
export function measures(registry: Registry, prefix: string, { counts, trails }: MeasuresSources): Measures {
  const describe = (name: string, help: string) => ({ name: `${prefix}${name}`, help, registers: [registry] })
  addCounters(describe, counts)
  addGauges(describe, trails)
  return {
    delivery: new Histogram({
      ...describe('row_delivery_seconds', 'From the end of an attempt until its audit row was safe.'),
      labelNames: ['where'],
      buckets: secondsBuckets,
    }),
    batchRows: new Histogram({
      ...describe('batch_rows', 'Audit rows in one write to the store.'),
      buckets: rowsBuckets,
    }),
    batchSeconds: new Histogram({
      ...describe('batch_seconds', 'How long one write to the store took.'),
      buckets: secondsBuckets,
    }),
  }
}

type Describe = (name: string, help: string) => { name: string; help: string; registers: Registry[] }

// Counted in numbers of our own: finding a counter by its labels costs more than all the rest.
function addCounters(describe: Describe, counts: RowCounts): void {
  new Counter({
    ...describe('rows_total', 'Audit rows that are safe, in the store or in the spool.'),
    labelNames: ['event', 'outcome', 'where'],
    collect() {
      this.reset()
      for (const { event, stored } of counts)
        for (const where of ['store', 'spool'] as const)
          for (const [outcome, rows] of stored[where]) this.inc({ event, outcome, where }, rows)
    },
  })
  new Counter({
    ...describe('rows_lost_total', 'Audit rows that are neither in the store nor in the spool.'),
    labelNames: ['event'],
    collect() {
      this.reset()
      for (const { event, lost } of counts) this.inc({ event }, lost)
    },
  })
}

function addGauges(describe: Describe, trails: MeasuresSources['trails']): void {
  const gauge = (name: string, help: string, read: (trails: readonly TrailGauges[]) => number) =>
    new Gauge({
      ...describe(name, help),
      collect() {
        this.set(read(trails()))
      },
    })
  const summed = (name: string, help: string, read: (trail: TrailGauges) => number) =>
    gauge(name, help, (all) => all.reduce((total, trail) => total + read(trail), 0))
  summed('rows_waiting', 'Audit rows that wait for the store in the process.', ({ waiting }) => waiting)
  summed('spool_rows', 'Audit rows that wait in the spool.', ({ spooledRows }) => spooledRows)
  summed('spool_bytes', 'Bytes that wait in the spool.', ({ spooledBytes }) => spooledBytes)
  summed('flood_repeats_collapsed', 'Denials that have no summary row yet.', ({ collapsed }) => collapsed)
  gauge('store_reachable', 'Whether the store takes audit rows: 1, or 0.', (all) =>
    all.every(({ reachable }) => reachable) ? 1 : 0,
  )
}
