import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { OutageServer } from './outage-server.js'

export type Kind = 'awaited' | 'deferred' | 'denied' | 'joined' | 'open'

const usualKinds: readonly Kind[] = ['awaited', 'deferred', 'denied', 'joined']

/** A request, and what its client knows of it. */
export interface Asked {
  readonly id: string
  readonly kind: Kind
  /** Null where no answer came. */
  readonly status: number | null
  readonly milliseconds: number
}

/** Clients that ask one request after the other until they are stopped. */
export class Load {
  readonly asked: Asked[] = []
  readonly #url: string
  readonly #kinds: readonly Kind[]
  readonly #clients: Promise<void>[]
  #stopped = false

  constructor(
    { url }: Pick<OutageServer, 'url'>,
    { kinds = usualKinds, clients = 8 }: { kinds?: readonly Kind[]; clients?: number } = {},
  ) {
    this.#url = url
    this.#kinds = kinds
    this.#clients = Array.from({ length: clients }, (_, number) => this.#ask(number))
  }

  /** Resolves when this many requests more were answered, and one of each kind at least. */
  async more(count: number): Promise<Asked[]> {
    const before = this.asked.length
    const isEnough = () => {
      const since = this.asked.slice(before)
      return since.length >= count && this.#kinds.every((kind) => since.some((one) => one.kind === kind))
    }
    await expect.poll(isEnough, { timeout: 20_000, interval: 10 }).toBe(true)
    return this.asked.slice(before)
  }

  /** Resolves when every client has its last answer. */
  async stop(): Promise<readonly Asked[]> {
    this.#stopped = true
    await Promise.all(this.#clients)
    return this.asked
  }

  async #ask(number: number): Promise<void> {
    for (let turn = number; !this.#stopped; turn++) {
      this.asked.push(await request(this.#url, this.#kinds[turn % this.#kinds.length] as Kind))
    }
  }
}

/** One request with an id of its own. */
export async function request(url: string, kind: Kind): Promise<Asked> {
  const id = randomUUID()
  const startedAt = performance.now()
  const status = await fetch(`${url}/${kind}`, { method: 'POST', headers: { 'x-request-id': id } }).then(
    async (response) => {
      await response.text()
      return response.status
    },
    () => null,
  )
  return { id, kind, status, milliseconds: performance.now() - startedAt }
}
