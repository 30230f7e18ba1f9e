import { cp, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MikroORM } from '@mikro-orm/pglite'

// To make a cluster takes PGlite three seconds of a processor, and is the same every time: one is made for all suites
// of a run, and copied.

interface NativeClient {
  dumpDataDir(compression: 'none'): Promise<Blob>
}

/** Puts an empty cluster into a folder that is not there yet. */
export async function emptyPgliteIn(folder: string): Promise<void> {
  const { cluster } = await template()
  await cp(cluster, folder, { recursive: true })
}

/** An empty cluster as PGlite takes it by `loadDataDir`: what it needs of a blob, which the options of MikroORM would break. */
export async function emptyPglite(): Promise<{ type: string; arrayBuffer(): Promise<Uint8Array> }> {
  const { dump } = await template()
  return { type: 'application/x-tar', arrayBuffer: () => readFile(dump) }
}

async function template(): Promise<{ cluster: string; dump: string }> {
  const run = process.env.TEST_RUN_FOLDER
  if (!run) throw new Error('TEST_RUN_FOLDER is not set: test/global-setup.ts sets it.')
  const folder = join(run, 'pglite')
  if (!(await isThere(folder))) await make(run, folder)
  return { cluster: join(folder, 'cluster'), dump: join(folder, 'dump.tar') }
}

/** Whole, or not there: two may make one at the same time, and the first one is kept. */
async function make(run: string, folder: string): Promise<void> {
  const own = await mkdtemp(join(run, 'making-'))
  const options = { entities: [], discovery: { warnWhenNoEntities: false } }
  const orm = await MikroORM.init({ ...options, dbName: join(own, 'cluster') })
  const client = (await orm.em.getDriver().getConnection().getNativeClient()) as unknown as NativeClient
  await writeFile(join(own, 'dump.tar'), Buffer.from(await (await client.dumpDataDir('none')).arrayBuffer()))
  await orm.close()
  await rename(own, folder).catch(() => rm(own, { recursive: true }))
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
