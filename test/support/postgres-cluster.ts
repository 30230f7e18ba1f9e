import { execFile, execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port.js'

const run = promisify(execFile)

/** A PostgreSQL server of one's own, which may be stopped. */
export interface PostgresCluster {
  /** Makes an empty database, and tells its address. */
  database(): Promise<string>
  start(): Promise<void>
  /** `fast` ends its connections and says goodbye; `immediate` is a crash: it recovers when it is started. */
  stop(mode: 'fast' | 'immediate'): Promise<void>
  /** Stops it and removes what it held. */
  remove(): Promise<void>
}

const binaries = findBinaries()

/** Whether a server can be made here; `REQUIRE_SERVICES=1` makes its absence a failure. */
export function clusterAvailable(): boolean {
  if (binaries !== null && (process.getuid?.() !== 0 || serverUser() !== null)) return true
  if (process.env.REQUIRE_SERVICES === '1') throw new Error('REQUIRE_SERVICES=1 and no initdb and pg_ctl are here')
  console.warn('SKIPPED: no initdb and pg_ctl are here; what needs a PostgreSQL of its own did not run.')
  return false
}

/** A new cluster on a free port of the loopback interface, started. */
export async function postgresCluster(): Promise<PostgresCluster> {
  if (binaries === null) throw new Error('No initdb and pg_ctl are here.')
  const bin = binaries
  const folder = mkdtempSync(join(tmpdir(), 'countersign-pg-'))
  const user = process.getuid?.() === 0 ? serverUser() : null
  if (user) chownSync(folder, user.uid, user.gid)
  const asUser = (program: string, ...args: string[]) => run(join(bin, program), args, { cwd: folder, ...user })
  const data = join(folder, 'data')
  await asUser('initdb', '-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync')
  const port = await freePort()
  // A crash of the server alone needs no sync: what it wrote is in the system's memory.
  const settings = ['fsync=off', 'autovacuum=off', 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`]
  const options = [`-p ${port}`, ...settings.map((setting) => `-c ${setting}`)].join(' ')
  const control = (...args: string[]) => asUser('pg_ctl', '-D', data, '-w', '-t', '60', ...args)
  const start = async (): Promise<void> => {
    await control('-l', join(folder, 'log'), '-o', options, 'start')
  }
  await start()
  let databases = 0
  return {
    async database() {
      const name = `database_${++databases}`
      await asUser('createdb', '-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', name)
      return `postgres://postgres@127.0.0.1:${port}/${name}`
    },
    start,
    async stop(mode) {
      await control('-m', mode, 'stop')
    },
    async remove() {
      await control('-m', 'immediate', 'stop').catch(() => undefined)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function findBinaries(): string | null {
  const folders = [said('pg_config', '--bindir')]
  const root = '/usr/lib/postgresql'
  if (existsSync(root)) {
    const versions = readdirSync(root).sort((one, other) => Number(other) - Number(one))
    folders.push(...versions.map((version) => join(root, version, 'bin')))
  }
  const isComplete = (folder: string) =>
    ['initdb', 'pg_ctl', 'createdb'].every((program) => existsSync(join(folder, program)))
  return folders.find((folder) => folder !== null && isComplete(folder)) ?? null
}

/** PostgreSQL refuses to run as root. */
function serverUser(): { uid: number; gid: number } | null {
  const [uid, gid] = [said('id', '-u', 'postgres'), said('id', '-g', 'postgres')]
  return uid === null || gid === null ? null : { uid: Number(uid), gid: Number(gid) }
}

function said(program: string, ...args: string[]): string | null {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return null
  }
}
