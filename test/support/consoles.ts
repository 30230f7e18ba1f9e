import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { auditStoreMigrations, logSequencer, migrate, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { type CommandIo, runCommandLine, serveCommands } from '@countersign/console'
import { type AuditRow, type AuditTrail, createAuditTrail } from '@countersign/core'
import { type NoteSigner, newSigningKey, noteSigner } from '@countersign/core/evidence'
import { Secrets } from '@countersign/core/keys'
import type { MikroORM } from '@mikro-orm/core'
import { Migrator } from '@mikro-orm/migrations'
import { MikroORM as PgliteORM } from '@mikro-orm/pglite'
import { onTestFinished } from 'vitest'
import { root } from './compile.js'
import { pgliteDatabase, postgresAvailable, postgresDatabase, type TestDatabase } from './databases.js'
import { origin } from './logs.js'
import { migratedPgliteIn } from './pglite-clusters.js'

/** What a command printed, and ended with. */
export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const command = join(root, 'packages/console/dist/countersign.js')

/** Runs the command in a process of its own, with this environment and no other. */
export async function countersign(args: readonly string[], env: Record<string, string> = {}, input = ''): Promise<Ran> {
  const child = started(args, env)
  const printed = { out: '', err: '' }
  child.stdout.on('data', (text) => {
    printed.out += text
  })
  child.stderr.on('data', (text) => {
    printed.err += text
  })
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  return { code, ...printed }
}

/** Starts the command in a process of its own, which ends with the test at the latest. */
export function started(
  args: readonly string[],
  env: Record<string, string> = {},
  user: { readonly uid?: number; readonly gid?: number } = {},
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [command, ...args], { env: { PATH: process.env.PATH ?? '', ...env }, ...user })
  child.stdout.setEncoding('utf8')
  child.stderr.setEncoding('utf8')
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Runs a command line in this process: of a command that ran in another one only the printing is new. */
export async function typed(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const printed = { out: '', err: '' }
  const io: CommandIo = {
    async out(text) {
      printed.out += text
    },
    async err(text) {
      printed.err += text
    },
    ...{ isTerminal: false, user: 'operator', signal: new AbortController().signal },
  }
  return { code: await runCommandLine(args, { env, io }), ...printed }
}

const secret = 'console-secret-'.repeat(3)

/** A store that is open in this process, and how a command reaches it. */
export interface ConsolePlace {
  readonly env: Record<string, string>
  readonly orm: MikroORM
  readonly trail: AuditTrail
  readonly signer: NoteSigner
  /** Stores rows, and gives them their leaves. */
  write(rows: readonly AuditRow[]): Promise<void>
  catchUp(): Promise<void>
  /** Those of an event, the last one first. */
  rowsOf(event: string): Promise<any[]>
  execute(statement: string): Promise<any[]>
  close(): Promise<void>
}

/** Where commands run: in their own process, or in that of a server. */
export const consolePlaces: ReadonlyArray<{
  readonly name: string
  readonly here: boolean
  open(folder: string): Promise<ConsolePlace>
}> = [
  {
    name: 'on PostgreSQL',
    here: await postgresAvailable(),
    async open() {
      const database = await postgresDatabase()
      const key = newSigningKey(origin)
      return placeOn(database, key, { DATABASE_URL: database.url ?? '', SECRET_KEY: secret, CHECKPOINT_KEY: key })
    },
  },
  {
    name: 'in a server',
    here: true,
    async open(folder) {
      const database = await pgliteDatabase()
      const place = placeOn(database, newSigningKey(origin), { DATA_DIR: folder })
      const server = await serveCommands({ folder, ...place })
      return {
        ...place,
        async close() {
          await server.close()
          await place.close()
        },
      }
    },
  },
]

function placeOn({ orm, close }: TestDatabase, key: string, env: Record<string, string>): ConsolePlace {
  const signer = noteSigner(key)
  const sink = mikroOrmSink(orm)
  const trail = createAuditTrail({ sink, key: new Secrets(secret).key('audit') })
  const execute = (statement: string): Promise<any[]> => orm.em.getDriver().getConnection().execute(statement)
  const sequencer = logSequencer(orm, { signer })
  return {
    ...{ env, orm, trail, signer },
    async write(rows) {
      await sink.write(rows)
      await sequencer.catchUp()
    },
    catchUp: () => sequencer.catchUp(),
    execute,
    rowsOf: (event) =>
      execute(
        `select actor_type, actor_id, actor_label, outcome, details from audit_event where event = '${event}' order by id desc`,
      ),
    async close() {
      await trail.close()
      await sequencer.stop()
      await close()
    },
  }
}

/** A data folder with a database in it, as a server leaves it. */
export async function folderDatabase(folder: string): Promise<MikroORM> {
  const dbName = join(folder, 'postgres')
  if (!existsSync(dbName)) await migratedPgliteIn('store', folder)
  const orm = (await PgliteORM.init({
    extensions: [Migrator],
    migrations: { migrationsList: auditStoreMigrations, snapshot: false },
    entities: [],
    discovery: { warnWhenNoEntities: false },
    dbName,
  })) as unknown as MikroORM
  await migrate(orm)
  return orm
}
