import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mikroOrmReader } from '@countersign/adapters/mikro-orm'
import { openDatabase, type StoreLocation } from '@countersign/auth'
import type { AuditRow } from '@countersign/core'

const script = new URL('./shared-limit-server.ts', import.meta.url).pathname

/** One process of a system that several share. */
export interface SharedSystem {
  readonly url: string
  /** Ends it as an operator does; everything is stored when it has ended. */
  stop(): Promise<void>
}

const running: Array<{ child: ChildProcess; exit: Promise<unknown> }> = []

/** Starts a process with these settings, as JSON says them. */
export async function startShared(settings: object, redisUrl?: string): Promise<SharedSystem> {
  const args = [script, JSON.stringify(settings), ...(redisUrl ? [redisUrl] : [])]
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  running.push({ child, exit })
  let output = ''
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      output += chunk
      const [address] = /^http:\S+$/m.exec(output) ?? []
      if (address) resolve(address)
    })
    child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${output}`)))
  })
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      await exit
    },
  }
}

/** Kills those that still run. */
export async function killShared(): Promise<void> {
  for (const { child, exit } of running.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exit
  }
}

/** Every row of a system's trail, newest first, when no process has it open. */
export async function allRows(database: StoreLocation): Promise<AuditRow[]> {
  const { orm, close } = await openDatabase(database)
  const reader = mikroOrmReader(orm)
  const { items } = await reader.find({ limit: 500 })
  await reader.close()
  await close()
  return items
}
