import { Socket } from 'node:net'

/** What `pg` connects with when it is made with this `stream`: so a test sees when a client sees the end of one. */
export class ClientSockets {
  readonly #sockets: Socket[] = []

  readonly stream = (): Socket => {
    const socket = new Socket()
    this.#sockets.push(socket)
    return socket
  }

  /** Sockets that were opened and have not ended, as their clients know it. */
  get open(): number {
    return this.#sockets.filter(({ closed }) => !closed).length
  }
}
