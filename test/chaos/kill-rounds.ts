import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type ChaosServer, startServer } from './chaos-server.js'
import type { Plan } from './kill-plan.js'
import { wrongsIn } from './server-check.js'
import { type Attempt, Clients, paths } from './server-load.js'
import type { ServerSettings, ServerStatus } from './server-settings.js'

/** The database of the rounds, and how its store goes away and comes back. */
export interface Backend {
  readonly database: ServerSettings['database']
  away(server: ChaosServer): Promise<void>
  back(server: ChaosServer): Promise<void>
  /** The store can come back while no server runs. */
  readonly independent: boolean
}

/** What a round found. */
export interface Round {
  readonly wrongs: readonly string[]
  readonly sent: number
  readonly acknowledged: number
  readonly changes: number
  /** Rows that a process found in the spool when it began for good. */
  readonly found: number
  readonly torn: number
}

const clientsPerServer = 12

/** Rounds of load, kill, restart and comparison on one database and one spool folder, which grow through them. */
export class KillRounds {
  readonly #backend: Backend
  readonly #settings: ServerSettings
  #servers: ChaosServer[] = []
  readonly attempts: Attempt[] = []

  private constructor(backend: Backend, settings: ServerSettings) {
    this.#backend = backend
    this.#settings = settings
  }

  static async begin(backend: Backend, spool: string, careless = false): Promise<KillRounds> {
    const settings = { database: backend.database, spool, careless }
    const first = startServer({ ...settings, prepares: true })
    await first.url
    await first.stop()
    return new KillRounds(backend, settings)
  }

  async run(plan: Plan): Promise<Round> {
    const attempts = await this.#disturb(plan)
    this.attempts.push(...attempts)
    const isTorn = plan.tears && this.#servers.length === 0 && tear(this.#settings.spool)
    const found = await this.#restart(plan)
    const statuses = await Promise.all(this.#servers.map((server) => server.shipped()))
    const stored = await this.#first.stored(plan.prefix)
    const wrongs = [
      ...wrongsIn(attempts, stored),
      ...statuses.flatMap(wrongsOf),
      ...this.#servers.flatMap(({ said }) => said || []),
    ]
    const torn = statuses.flatMap(({ faults }) => faults.filter(isOfTorn)).length
    if (isTorn && plan.falseStarts.length === 0 && torn === 0) wrongs.push('A torn record was not reported.')
    const acknowledged = attempts.filter(({ status }) => status !== null).length
    return { wrongs, sent: attempts.length, acknowledged, changes: stored.changes.length, found, torn }
  }

  /** All rounds together, once more. */
  async total(): Promise<string[]> {
    return wrongsIn(this.attempts, await this.#first.stored(''))
  }

  async end(): Promise<void> {
    for (const server of this.#servers) await server.kill()
    this.#servers = []
  }

  get #first(): ChaosServer {
    return this.#servers[0] as ChaosServer
  }

  async #disturb(plan: Plan): Promise<Attempt[]> {
    while (this.#servers.length < plan.processes) this.#start()
    const load = await Load.on(this.#servers, plan.prefix)
    if (plan.awayAfter !== null) {
      await load.reaches(plan.awayAfter)
      await this.#backend.away(this.#first)
    }
    await load.reaches(plan.killAfter)
    await delay(plan.killLater)
    const left = plan.leavesOne ? this.#servers.slice(1) : []
    const dying = this.#servers.filter((server) => !left.includes(server))
    await Promise.all(dying.map((server) => server.kill(plan.askedBefore)))
    this.#servers = left
    return load.end()
  }

  /** Returns how many rows wait when the servers are there again. */
  async #restart({ falseStarts, backEarly }: Plan): Promise<number> {
    const { independent } = this.#backend
    if (independent && backEarly) await this.#backend.back(this.#first)
    for (const { from, time } of falseStarts) {
      const server = startServer(this.#settings)
      // Some of them are to die while they replay.
      if (!independent && backEarly) void server.store('back').catch(() => undefined)
      if (from === 'listening') await server.url
      await delay(time)
      await server.kill()
    }
    this.#start()
    const server = this.#servers.at(-1) as ChaosServer
    await server.url
    const { spooledRows } = await server.status()
    if (!(independent && backEarly)) await this.#backend.back(server)
    return spooledRows
  }

  #start(): void {
    this.#servers.push(startServer(this.#settings))
  }
}

/** Clients that send one request after the other, until they are told or their server is gone. */
class Load {
  readonly #attempts: Attempt[] = []
  #acknowledged = 0
  #sent = 0
  #over = false
  #all: Promise<unknown> = Promise.resolve()
  #gone = false

  static async on(servers: readonly ChaosServer[], prefix: string): Promise<Load> {
    const load = new Load()
    const urls = await Promise.all(servers.map(({ url }) => url))
    const clients = new Clients(clientsPerServer * servers.length)
    const sending = urls.flatMap((url) =>
      Array.from({ length: clientsPerServer }, () => load.#send(clients, url, prefix)),
    )
    load.#all = Promise.all(sending).then(() => {
      load.#gone = true
      clients.close()
    })
    return load
  }

  /** Resolves when so many responses were received, or nobody answers any more. */
  async reaches(acknowledged: number): Promise<void> {
    while (this.#acknowledged < acknowledged && !this.#gone) await delay(1)
  }

  async end(): Promise<Attempt[]> {
    this.#over = true
    await this.#all
    return this.#attempts
  }

  async #send(clients: Clients, url: string, prefix: string): Promise<void> {
    for (let answered = true; answered && !this.#over; ) {
      const number = this.#sent++
      const path = paths[number % paths.length] as string
      const attempt = await clients.attempt(url, path, `${prefix}${number}`)
      this.#attempts.push(attempt)
      answered = attempt.status !== null
      if (answered) this.#acknowledged++
    }
  }
}

function isOfTorn(fault: string): boolean {
  return fault.startsWith('SPOOL_DAMAGED') && fault.includes('torn')
}

function wrongsOf({ lost, faults, reachable }: ServerStatus): string[] {
  const wrongs = faults.filter((fault) => !isOfTorn(fault))
  if (lost > 0) wrongs.push(`${lost} rows were counted as lost`)
  if (!reachable) wrongs.push('The store is said to be away, and is there.')
  return wrongs
}

/** Leaves half of a record behind the last one, as a machine does that stops in the middle of a write. */
function tear(spool: string): boolean {
  const names = readdirSync(spool, { recursive: true, encoding: 'utf8' })
  const [last] = names
    .filter((name) => name.endsWith('.spool'))
    .sort()
    .reverse()
  if (!last) return false
  const path = join(spool, last)
  const [record = ''] = readFileSync(path, 'utf8').split('\n')
  if (record === '') return false
  appendFileSync(path, record.slice(0, record.length / 2))
  return true
}
