import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Files in one folder, under names that nobody outside chose. */
export class FileStore {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** The folder is made where it is missing; no web server may serve it. */
  static async open(folder: string): Promise<FileStore> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return new FileStore(folder)
  }

  /** The whole file or, when it rejects, nothing of it. */
  async save(content: Buffer, extension: string): Promise<string> {
    const name = `${randomUUID()}.${extension}`
    const partial = join(this.#folder, `.${name}.partial`)
    try {
      await writeDown(partial, content)
      await rename(partial, join(this.#folder, name))
    } catch (error) {
      await rm(partial, { force: true }).catch(() => undefined)
      throw error
    }
    return name
  }
}

async function writeDown(path: string, content: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}
