import { type FileHandle, open, rm } from 'node:fs/promises'
import { AuditError } from '@countersign/core'

/** A file of one's own that a command fills: whole, or not there. */
export class OutputFile {
  readonly #path: string
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle) {
    this.#path = path
    this.#handle = handle
  }

  /** @throws AuditError `SETTING_INVALID` for a file that is there already, or can't be made */
  static async create(path: string): Promise<OutputFile> {
    try {
      return new OutputFile(path, await open(path, 'wx', 0o600))
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      const why =
        code === 'EEXIST' ? 'is there already, and nothing is overwritten' : `can't be made (${code ?? cause})`
      throw new AuditError('SETTING_INVALID', `${path} ${why}. Name another file: --out <file>`, { cause })
    }
  }

  async write(text: string): Promise<void> {
    await this.#handle.appendFile(text)
  }

  async keep(): Promise<void> {
    await this.#handle.sync()
    await this.#handle.close()
  }

  async discard(): Promise<void> {
    await this.#handle.close()
    await rm(this.#path, { force: true })
  }
}
