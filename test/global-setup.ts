import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropTemplates } from './support/postgres-templates.js'

/** A folder for what the suites of one run share; each project that is run asks for it. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.TEST_RUN_FOLDER) return
  const folder = await mkdtemp(join(tmpdir(), 'countersign-run-'))
  process.env.TEST_RUN_FOLDER = folder
  return async () => {
    await dropTemplates().catch((cause) => {
      // Where there is no server, nothing was made on it.
      if (cause.code !== 'ECONNREFUSED')
        console.warn('The templates of this run could not be taken off the server:', cause)
    })
    delete process.env.TEST_RUN_FOLDER
    await rm(folder, { recursive: true, force: true })
  }
}
