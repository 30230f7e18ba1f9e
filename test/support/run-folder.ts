import { mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'

function folderOfRun(): string {
  const run = process.env.TEST_RUN_FOLDER
  if (!run) throw new Error('TEST_RUN_FOLDER is not set: test/global-setup.ts sets it.')
  return run
}

/** What tells the things of one run from those of another, as a part of a name. */
export const nameOfRun = (): string => basename(folderOfRun()).toLowerCase().replace(/\W/g, '_')

/**
 * A folder that all suites of a run share, made by the first that asks. It is whole, or not there: two may make one at
 * the same time, and the first one is kept.
 */
export async function sharedFolder(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(folderOfRun(), name)
  if (await isThere(folder)) return folder
  const own = await mkdtemp(join(folderOfRun(), 'making-'))
  await make(own)
  await rename(own, folder).catch(() => rm(own, { recursive: true }))
  return folder
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
