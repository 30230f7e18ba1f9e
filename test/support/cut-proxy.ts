import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** What stands between a client and a server, and does to their connections what networks do. */
export class CutProxy {
  readonly #server: Server
  readonly #target: URL
  readonly #pairs = new Set<readonly [Socket, Socket]>()
  #held = 0
  #port = 0
  #delay = 0
  #swallowing = false

  /** Stands before the server of this address; its own address is {@link url}. */
  static async before(url: string): Promise<CutProxy> {
    const proxy = new CutProxy(new URL(url))
    await proxy.admit()
    return proxy
  }

  private constructor(target: URL) {
    this.#target = target
    this.#server = createServer((client) => this.#join(client))
  }

  /** The address that the proxy was given, with its own host and port. */
  get url(): string {
    const url = new URL(this.#target)
    url.hostname = '127.0.0.1'
    url.port = String(this.#port)
    return url.href
  }

  get connections(): number {
    return this.#pairs.size
  }

  /** Pieces that were sent and have not arrived, because of {@link delay}. */
  get held(): number {
    return this.#held
  }

  /** Breaks every connection, with a reset; new ones are let in. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy()
    this.#pairs.clear()
  }

  /** Refuses new connections until {@link admit}; those that are there go on. */
  refuse(): void {
    this.#server.close()
  }

  async admit(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** What is sent from now on arrives this much later, in both directions and in its order. */
  delay(milliseconds: number): void {
    this.#delay = milliseconds
  }

  /** What the server says from now on is lost, while connections and questions go through. */
  swallowAnswers(swallowing: boolean): void {
    this.#swallowing = swallowing
  }

  async close(): Promise<void> {
    this.cut()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(client: Socket): void {
    const server = connect(Number(this.#target.port || 5432), this.#target.hostname)
    const pair = [client, server] as const
    this.#pairs.add(pair)
    this.#pass(client, server, () => false)
    this.#pass(server, client, () => this.#swallowing)
    for (const socket of pair) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
  }

  #pass(from: Socket, to: Socket, lost: () => boolean): void {
    const queue: Array<{ chunk: Buffer; due: number }> = []
    const forward = (): void => {
      while (queue[0] && queue[0].due <= performance.now()) {
        to.write((queue.shift() as { chunk: Buffer }).chunk)
        this.#held--
      }
      if (queue[0]) setTimeout(forward, Math.max(1, queue[0].due - performance.now()))
    }
    from.on('data', (chunk) => {
      if (lost()) return
      const isFirst = queue.length === 0
      this.#held++
      queue.push({ chunk, due: Math.max(performance.now() + this.#delay, queue.at(-1)?.due ?? 0) })
      if (isFirst) forward()
    })
  }
}
