import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MikroORM } from '@mikro-orm/pglite'
import { migrated, openStore, type Schema } from './migrated.js'
import { sharedFolder } from './run-folder.js'

// To make a cluster, and to migrate it, takes PGlite seconds of a processor, and is the same every time: one of each
// kind is made for all suites of a run, and copied.

interface NativeClient {
  dumpDataDir(compression: 'none'): Promise<Blob>
}

const emptyPgliteIn = async (folder: string): Promise<void> => copied(await cluster('empty'), folder)

/** Puts a cluster that has every migration into a data folder. */
export async function migratedPgliteIn(schema: Schema, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await copied(await cluster(schema), join(folder, 'postgres'))
}

/** An audit store as PGlite takes it by `loadDataDir`: what it needs of a blob, which the options of MikroORM would break. */
export async function migratedPglite(): Promise<{ type: string; arrayBuffer(): Promise<Uint8Array> }> {
  const dump = await sharedFolder('pglite-dump', async (folder) => {
    const own = join(folder, 'postgres')
    await migratedPgliteIn('store', folder)
    const orm = await openStore({ dbName: own })
    const client = (await orm.em.getDriver().getConnection().getNativeClient()) as unknown as NativeClient
    await writeFile(join(folder, 'dump.tar'), Buffer.from(await (await client.dumpDataDir('none')).arrayBuffer()))
    await orm.close()
  })
  return { type: 'application/x-tar', arrayBuffer: () => readFile(join(dump, 'dump.tar')) }
}

async function cluster(kind: Schema | 'empty'): Promise<string> {
  const folder = await sharedFolder(`pglite-${kind}`, async (own) => {
    if (kind === 'empty') await made(join(own, 'postgres'))
    else {
      await emptyPgliteIn(join(own, 'postgres'))
      await migrated(kind, { folder: own })
    }
  })
  return join(folder, 'postgres')
}

async function made(dbName: string): Promise<void> {
  const orm = await MikroORM.init({ entities: [], discovery: { warnWhenNoEntities: false }, dbName })
  await orm.connect()
  await orm.em.getDriver().getConnection().execute('select 1')
  await orm.close()
}

/** A thousand files: Node's own copying would take a second of a processor. */
const copied = async (from: string, to: string): Promise<void> =>
  void (await promisify(execFile)('cp', ['-R', from, to]))
