import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuditTrail } from '@countersign/core'
import type { MikroORM } from '@mikro-orm/core'

/** Whether a request would be answered as it should, part by part. */
export interface Readiness {
  /** The database, and the trail's way into it. */
  readonly store: 'ok' | 'away'
  /** Where rows wait while the store is away. */
  readonly spool: 'ok' | 'failing'
}

/** What a {@link ReadinessCheck} looks at. */
export interface ReadinessParts {
  readonly orm: Pick<MikroORM, 'checkConnection'>
  readonly trail: Pick<AuditTrail, 'health'>
  readonly spoolFolder: string | undefined
}

// Whoever asks has given up after a few seconds; a database that hangs answers nobody.
const patience = 1500

/** Looks at what the server needs: once for all who ask at the same moment, because anybody may ask. */
export class ReadinessCheck {
  readonly #parts: ReadinessParts
  #running: Promise<Readiness> | undefined

  constructor(parts: ReadinessParts) {
    this.#parts = parts
  }

  look(): Promise<Readiness> {
    this.#running ??= this.#look().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #look(): Promise<Readiness> {
    const [store, spool] = await Promise.all([this.#storeAnswers(), this.#spoolTakesRows()])
    return { store: store ? 'ok' : 'away', spool: spool ? 'ok' : 'failing' }
  }

  async #storeAnswers(): Promise<boolean> {
    const { orm, trail } = this.#parts
    const answered = orm.checkConnection().then(
      ({ ok }) => ok,
      () => false,
    )
    if (!(await inTime(answered))) return false
    // The trail asks again by itself while rows wait in the spool; without any, it would not notice the store's return.
    return trail.health.reachable || trail.health.spooledRows === 0
  }

  async #spoolTakesRows(): Promise<boolean> {
    const { trail, spoolFolder } = this.#parts
    if (spoolFolder === undefined || trail.health.spooling) return true
    // Of a disk that has room again, the trail hears with its next row; one that is not ready gets none.
    return inTime(takesFiles(spoolFolder))
  }
}

async function takesFiles(folder: string): Promise<boolean> {
  const path = join(folder, `ready-${process.pid}`)
  try {
    await writeFile(path, '.', { flush: true })
    return true
  } catch {
    return false
  } finally {
    await rm(path, { force: true }).catch(() => undefined)
  }
}

async function inTime(answer: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, patience, false)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}
