import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { forAppending } from './regular-file.js'

/** Appends a line to a file that a person will read, and waits for the disk. */
export async function keepLine(path: string, line: string | Buffer): Promise<void> {
  const file = await open(path, forAppending, 0o600)
  try {
    const found = await file.stat()
    if (!found.isFile()) throw new Error(`${path} is no file.`)
    const { size } = found
    const torn = size > 0 && (await lastByte(file, size)) !== 0x0a
    await writeAll(file, Buffer.concat([Buffer.from(torn ? '\n' : ''), Buffer.from(line), Buffer.from('\n')]))
    await file.datasync()
    if (size === 0) await syncFolder(dirname(path))
  } finally {
    await file.close()
  }
}

/** In one write, unless the system takes less at once; at the end of the file without a position. */
export async function writeAll(file: FileHandle, bytes: Buffer, position: number | null = null): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const at = position === null ? null : position + written
    written += (await file.write(bytes, written, bytes.length - written, at)).bytesWritten
  }
}

/** A new file is there after a power cut when its folder was written, too. */
export async function syncFolder(path: string): Promise<void> {
  // Where folders can't be opened, as on Windows, the system does it by itself.
  const folder = await open(path, 'r').catch(() => null)
  try {
    await folder?.sync()
  } finally {
    await folder?.close()
  }
}

async function lastByte(file: FileHandle, size: number): Promise<number | undefined> {
  const { buffer } = await file.read(Buffer.alloc(1), { position: size - 1 })
  return buffer[0]
}
