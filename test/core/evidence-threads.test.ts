import { execFile } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { promisify } from 'node:util'
import type { Worker } from 'node:worker_threads'
import { AuditError } from '@countersign/core'
import {
  type LogLeaf,
  type LogRecord,
  type LogSource,
  readBundle,
  type VerifyReport,
  verifyLog,
} from '@countersign/core/evidence'
import { sampleRow } from '@countersign/core/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { damages } from '../support/bundle-damage.js'
import { bundleInMemory, logInMemory } from '../support/log-in-memory.js'
import { seededRandom } from '../support/seeded-random.js'

const seed = Number(process.env.TAMPER_SEED ?? Date.now() % 1_000_000)
// More than the calling thread does before it starts others.
const leaves = 6000
const rows = Array.from({ length: leaves }, (_, index) =>
  sampleRow({
    ...(index % 3 === 0 && { userAgent: 'Mozilla/5.0', details: {} }),
    ...(index % 7 === 0 && { details: { nested: { b: [1, null], a: 'ünï' } } as object }),
    actor: { type: 'user', id: `u-${index % 9}`, label: 'Zoë' },
  }),
)
const shape = {
  perCheckpoint: 150,
  isErased: (index: number) => index % 50 === 9,
  isRemoved: (index: number) => index % 300 === 11,
}

/** A thread that was started, what came from it, and when it was ready. */
interface Started {
  readonly worker: Worker
  readonly ready: Promise<unknown>
  answers: number
}

let started: Started[] = []

function watch(message: unknown): void {
  const { worker } = message as { worker: Worker }
  const one = { worker, ready: once(worker, 'message'), answers: -1 }
  worker.on('message', () => one.answers++)
  started.push(one)
}

beforeEach(() => {
  started = []
  subscribe('worker_threads', watch)
})
afterEach(() => {
  unsubscribe('worker_threads', watch)
  // Whatever happened, none is left.
  expect(started.filter(({ worker }) => worker.threadId !== -1)).toEqual([])
})

const chunkBytes = 40_000

/** The bytes in chunks. The last third waits for threads that were started, so that they have something to do. */
async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  for (let from = 0; from < bytes.length; from += chunkBytes) {
    if (from > (bytes.length * 3) / 4) await Promise.all(started.map(({ ready }) => ready))
    yield bytes.subarray(from, from + chunkBytes)
  }
}

async function verified(bytes: Uint8Array, threads: number): Promise<VerifyReport> {
  return verifyLog(await readBundle(chunksOf(bytes)), { threads })
}

/** The same log, with another outcome in three of its rows; each row is a text until somebody asks for it. */
function textual(source: LogSource): LogSource {
  const altered = new Set([500, 5500, 5998])
  const leafOf = ({ row, ...leaf }: LogLeaf): LogLeaf => {
    const rowText = row && JSON.stringify(altered.has(leaf.index) ? { ...row, outcome: 'denied' } : row)
    const lazy = { get: () => rowText && JSON.parse(rowText) }
    return Object.defineProperty({ ...leaf, rowText } as never, 'row', lazy)
  }
  async function* records(): AsyncGenerator<readonly LogRecord[], void, undefined> {
    for await (const all of source.records())
      for (let from = 0; from < all.length; from += 100) {
        if (from > (all.length * 3) / 4) await Promise.all(started.map(({ ready }) => ready))
        yield all.slice(from, from + 100).map((record) => ('leaf' in record ? { leaf: leafOf(record.leaf) } : record))
      }
  }
  return { head: source.head, records }
}

describe(`a verification on several threads (TAMPER_SEED=${seed})`, () => {
  let text: string
  let sound: Uint8Array
  beforeAll(async () => {
    text = await bundleInMemory(rows, shape)
    sound = Buffer.from(text)
  })

  it('reports of a sound log what the calling thread alone reports', async () => {
    const alone = await verified(sound, 0)
    expect(alone).toMatchObject({ sound: true, leaves, lawfullyErased: 120, lawfullyRemoved: 20 })
    for (const threads of [1, 2, 4]) {
      started = []
      expect(await verified(sound, threads), `${threads} threads`).toEqual(alone)
      expect(started).toHaveLength(threads === 1 ? 0 : threads)
      for (const { answers } of started) expect(answers).toBeGreaterThan(0)
    }
  })

  it.each(damages)('reports the same of a bundle with $name', async ({ name, make }) => {
    const random = seededRandom(seed + name.length)
    for (const threads of [2, 4]) {
      const { what, bytes } = make(text, random)
      const alone = await verified(bytes, 0)
      expect(alone.sound, what).toBe(false)
      expect(await verified(bytes, threads), what).toEqual(alone)
    }
  })

  it('reports the same of a bundle with a row that is nested too deeply for any of them', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const lines = text.split('\n')
    const last = lines.findLastIndex((line) => line.startsWith('{"leaf"'))
    const changed = lines.with(
      last,
      String(lines[last]).replace(/"details":.*?,"repeat_count"/, `"details":${deep},"repeat_count"`),
    )
    const bytes = Buffer.from(changed.join('\n'))
    const alone = await verified(bytes, 0)
    expect(alone.counts).toEqual({ altered: 1 })
    expect(await verified(bytes, 2)).toEqual(alone)
  })

  it('reports the same of a log whose rows are still texts, as a database gives them', async () => {
    const reports = []
    for (const threads of [0, 2, 4]) {
      started = []
      reports.push(await verifyLog(textual(logInMemory(rows, shape)), { threads }))
      expect(started).toHaveLength(threads)
      for (const { answers } of started) expect(answers).toBeGreaterThan(0)
    }
    expect(reports[0]).toMatchObject({ counts: { altered: 3 }, leaves, lawfullyErased: 120, lawfullyRemoved: 20 })
    expect(reports[1]).toEqual(reports[0])
    expect(reports[2]).toEqual(reports[0])
  })

  it('starts no thread for a few thousand leaves', async () => {
    const few = Buffer.from(await bundleInMemory(rows.slice(0, 3000), { perCheckpoint: 1000 }))
    expect(await verified(few, 4)).toMatchObject({ sound: true, leaves: 3000 })
    expect(started).toEqual([])
  })

  it('fails with the error of its source, and leaves no thread behind', async () => {
    const cause = new Error('the disk is gone')
    async function* failing(): AsyncGenerator<Uint8Array, void, undefined> {
      let given = 0
      for await (const chunk of chunksOf(sound)) {
        given += chunk.length
        if (given > sound.length - chunkBytes) throw cause
        yield chunk
      }
    }
    await expect(readBundle(failing()).then((source) => verifyLog(source, { threads: 2 }))).rejects.toBe(cause)
    expect(started).toHaveLength(2)
  })

  it('fails when a thread does, and names the cause', async () => {
    const cause = new Error('out of memory')
    async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
      let left = 4
      for await (const chunk of chunksOf(sound)) {
        yield chunk
        // Some are on their way by now, and no answer is taken before this turn is over.
        if (started.every(({ answers }) => answers >= 0) && started.length > 0 && left-- === 0)
          started[0]?.worker.emit('error', cause)
      }
    }
    const failure = await readBundle(chunks())
      .then((source) => verifyLog(source, { threads: 2 }))
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AuditError)
    expect(failure).toMatchObject({ code: 'VERIFICATION_FAILED', cause })
  })

  it('leaves the calling thread to others meanwhile', async () => {
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    await verified(sound, 2)
    delay.disable()
    // Loosely: the machine has others to serve as well. Without turns there would be one delay, of all the time it took.
    expect(delay.percentile(90) / 1e6).toBeLessThan(60)
    expect(delay.count).toBeGreaterThan(10)
  })

  it.each([-1, 1.5, 65, Number.NaN])('refuses %d threads', async (threads) => {
    await expect(verified(sound, threads)).rejects.toMatchObject({ code: 'SETTING_INVALID' })
  })
})

describe('a process that verifies', () => {
  let folder: string
  let file: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'countersign-threads-'))
    file = join(folder, 'bundle.jsonl')
    await writeFile(file, await bundleInMemory(rows, shape))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const evidence = import.meta.resolve('@countersign/core/evidence')
  const run = (script: string, ...flags: readonly string[]) => {
    const program = `
      import { subscribe } from 'node:diagnostics_channel'
      import { createReadStream } from 'node:fs'
      import { setTimeout } from 'node:timers/promises'
      import { readBundle, verifyLog } from '${evidence}'
      const file = ${JSON.stringify(file)}
      ${script}`
    return promisify(execFile)(process.execPath, [...flags, '--input-type=module', '--eval', program])
  }

  it('may have no threads, and verifies all the same', async () => {
    const script = `
      const report = await verifyLog(await readBundle(createReadStream(file)), { threads: 4 })
      console.log(report.sound, report.leaves)`
    const { stdout } = await run(script, '--permission', '--allow-fs-read=*')
    expect(stdout.trim()).toBe(`true ${leaves}`)
  })

  it.each([
    ['that work', 500],
    ['that start', 0],
  ])('ends where only threads %s are left, of a verification that waits', async (_, pause) => {
    const script = `
      let isStarted = false
      subscribe('worker_threads', () => {
        isStarted = true
      })
      async function* stalled() {
        for await (const chunk of createReadStream(file)) {
          yield chunk
          if (isStarted && ${pause === 0}) break
        }
        await setTimeout(${pause})
        console.log('waits')
        await new Promise(() => {})
      }
      void readBundle(stalled()).then((source) => verifyLog(source, { threads: 2 }))`
    const { stdout } = await run(script)
    expect(stdout.trim()).toBe('waits')
  })
})
