import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk of 512 KiB in memory. */
export interface SmallDisk {
  readonly folder: string
  /** Whether it can be written to; it can't be changed while a file is open for writing. */
  mount(access: 'ro' | 'rw'): void
  remove(): void
}

export function smallDisk(): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-disk-'))
  mount('size=512k', folder)
  return {
    folder,
    mount: (access) => mount(`remount,${access}`, folder),
    remove() {
      execFileSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Whether a disk can be mounted here. That is a right and no service: without it, it is said and skipped. */
export function smallDiskAvailable(): boolean {
  try {
    smallDisk().remove()
    return true
  } catch {
    console.warn('SKIPPED: no tmpfs can be mounted here; what needs a small disk did not run.')
    return false
  }
}

function mount(options: string, folder: string): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'pipe' })
}
