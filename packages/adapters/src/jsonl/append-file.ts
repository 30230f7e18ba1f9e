import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'

const newline = 0x0a

/** How an {@link AppendFile} is opened and written. */
export interface AppendFileOptions {
  readonly path: string
  /** Permissions of a file that is made. */
  readonly mode: number
  /** Whether an append ends only when the disk has it. */
  readonly fsync: boolean
}

/**
 * A file of lines that is only ever appended to. It is opened by the first append and by the first
 * one after a failure; a torn last line is ended first, so that it spoils no other.
 */
export class AppendFile {
  readonly #options: AppendFileOptions
  #file: FileHandle | null = null
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: AppendFileOptions) {
    this.#options = options
  }

  /** Appends whole lines. */
  append(lines: string): Promise<void> {
    return this.#inTurn(async () => {
      try {
        const file = await this.#opened()
        await writeAll(file, Buffer.from(lines))
        if (this.#options.fsync) await file.datasync()
      } catch (cause) {
        // How much of it was written, and whether the disk has it, is not known any more.
        await this.#release().catch(() => undefined)
        throw cause
      }
    })
  }

  /** Closes the file; another append opens what is then at the path. */
  release(): Promise<void> {
    return this.#inTurn(() => this.#release())
  }

  async #opened(): Promise<FileHandle> {
    // A file that was deleted takes every line and keeps none.
    if (this.#file && (await this.#file.stat()).nlink === 0) await this.#release()
    if (this.#file) return this.#file
    const { path, mode, fsync } = this.#options
    const file = await open(path, 'a+', mode)
    try {
      const { size } = await file.stat()
      if (size > 0) await endLastLine(file, size)
      else if (fsync) await syncFolder(dirname(path))
    } catch (cause) {
      await file.close()
      throw cause
    }
    this.#file = file
    return file
  }

  async #release(): Promise<void> {
    const file = this.#file
    this.#file = null
    await file?.close()
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => undefined)
    return result
  }
}

/** In one write, unless the system takes less at once. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  let written = 0
  while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten
}

async function endLastLine(file: FileHandle, size: number): Promise<void> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  if (bytesRead === 1 && buffer[0] !== newline) await writeAll(file, Buffer.from('\n'))
}

/** A new file is there after a power cut when its folder was written, too. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => null)
  // Where folders can't be opened or synced, as on Windows, the system does it by itself.
  await folder?.sync().catch(() => undefined)
  await folder?.close()
}
