/** What `pg` lets a query of one's own do with its connection. */
interface PgConnection {
  readonly stream: { cork(): void; uncork(): void }
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/**
 * `copy … from stdin` as a query of `pg`. The data goes out together with the statement, which the
 * protocol allows: one round trip, as an insert takes, where waiting to be asked for it makes two.
 */
export class CopyIn {
  readonly done: Promise<void>
  /** Replaced by the client, which adds its time-out. */
  callback: (cause: unknown) => void = () => undefined
  readonly #statement: string
  readonly #data: string

  constructor(statement: string, data: string) {
    this.#statement = statement
    this.#data = data
    this.done = new Promise((resolve, reject) => {
      this.callback = (cause) => (cause ? reject(cause) : resolve())
    })
  }

  submit(connection: PgConnection): void {
    connection.stream.cork()
    connection.query(this.#statement)
    connection.sendCopyFromChunk(Buffer.from(this.#data))
    connection.endCopyFrom()
    connection.stream.uncork()
  }

  handleCopyInResponse(): void {}
  handleCommandComplete(): void {}

  handleError(cause: unknown): void {
    this.callback(cause)
  }

  handleReadyForQuery(): void {
    this.callback(null)
  }
}
