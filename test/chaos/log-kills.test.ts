import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as wait } from 'node:timers/promises'
import { newSigningKey, noteSigner, noteVerifier, verifyLog } from '@countersign/core/evidence'
import { afterAll, describe, expect, it } from 'vitest'
import { storeDatabases } from '../support/audit-stores.js'
import { bundleOf, origin, ownLog, verifyBundleText } from '../support/logs.js'

const postgres = storeDatabases.find(({ name }) => name === 'PostgreSQL')
const worker = new URL('../support/log-worker.js', import.meta.url).pathname
const rounds = Number(process.env.CHAOS_ROUNDS ?? 4)

describe.runIf(postgres?.here)('a log that four processes write to and sequence, and that are killed', () => {
  const secret = newSigningKey(origin)
  const signer = noteSigner(secret)
  const own = ownLog(postgres?.open ?? (() => Promise.reject(new Error('no PostgreSQL'))), [], signer)
  const keys = [noteVerifier(signer.verifier.text)]
  const running = new Set<ChildProcess>()
  const safe = new Set<string>()
  afterAll(() => {
    for (const child of running) child.kill('SIGKILL')
  })

  function launch(): ChildProcess {
    const child = spawn(process.execPath, [worker, own().database.url as string, secret], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let rest = ''
    child.stdout?.on('data', (piece) => {
      const lines = `${rest}${piece}`.split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) safe.add(line)
    })
    running.add(child)
    child.once('exit', () => running.delete(child))
    return child
  }

  async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
    const exit = new Promise((resolve) => child.once('exit', resolve))
    child.kill(signal)
    await exit
  }

  it('is sound after every kill, and in the end every row that was safe has its leaf, once', async () => {
    let workers = Array.from({ length: 4 }, launch)
    await expect.poll(() => safe.size, { timeout: 30_000 }).toBeGreaterThan(50)
    for (let round = 0; round < rounds; round++) {
      await wait(300 + Math.random() * 700)
      const [first, second, ...others] = workers as [ChildProcess, ChildProcess, ...ChildProcess[]]
      await Promise.all([ended(first, 'SIGKILL'), ended(second, 'SIGKILL')])
      const report = await verifyLog(await own().log.open(), { keys })
      expect(report.findings).toEqual([])
      workers = [...others, launch(), launch()]
    }
    await Promise.all(workers.map((child) => ended(child, 'SIGTERM')))
    await own().sequencer.catchUp()
    const leaves = await own().execute('select row_id as id from audit_leaf')
    const ids = new Set(leaves.map(({ id }) => id))
    expect(ids.size).toBe(leaves.length)
    expect([...safe].filter((id) => !ids.has(id))).toEqual([])
    const report = await verifyLog(await own().log.open(), { keys })
    expect(report).toMatchObject({ sound: true, pinned: true, leaves: leaves.length })
    expect(await verifyBundleText(await bundleOf(own().log), { keys })).toEqual(report)
  }, 600_000)
})
