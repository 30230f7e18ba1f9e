import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { ownDatabase } from './own-database.js'

const run = promisify(execFile)

/**
 * Starts a system in a process and a database of its own.
 *
 * @param {{ system: 'countersign' | 'better-auth' | 'bare', hashing: 'argon2id' | 'nothing' | 'defaults' }} what
 */
export async function startSystem(what) {
  const database = await ownDatabase()
  if (!database) return null
  const child = fork(new URL('login-server.js', import.meta.url), [JSON.stringify({ ...what, url: database.url })])
  const failed = once(child, 'exit').then(([code]) => {
    throw new Error(`The server of ${what.system} ended with ${code}.`)
  })
  failed.catch(() => undefined)
  const [{ port, requests, session }] = await Promise.race([once(child, 'message'), failed])
  return {
    port,
    requests,
    session,
    async ask(question) {
      child.send(question)
      const [answer] = await once(child, 'message')
      return answer
    },
    async close() {
      child.kill()
      await database.drop()
    },
  }
}

/** Requests a second that were answered with 200, asked for by a process of its own. */
export async function load(options) {
  const script = new URL('http-load.js', import.meta.url).pathname
  const { stdout } = await run(process.execPath, [script, JSON.stringify({ seconds: 3, ...options })])
  return Number(stdout)
}

/** The same request by everybody who can log in, each with the cookies of a session of its own. */
export async function loggedIn({ port, requests, session }) {
  const cookies = await Promise.all(requests.map((request) => cookiesOf(port, request)))
  return { port, requests: cookies.map((cookie) => ({ ...session, headers: { Cookie: cookie } })) }
}

async function cookiesOf(port, { method, path, headers, body }) {
  const init = { method, headers: { ...headers, 'content-type': 'application/json' }, body }
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init)
  if (response.status !== 200) throw new Error(`A login was answered with ${response.status}.`)
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.slice(0, cookie.indexOf(';')))
    .join('; ')
}
