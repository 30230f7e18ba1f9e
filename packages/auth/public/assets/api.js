// That there was a session, and nothing of it: the tokens are in cookies that no script can read. Without this
// mark every visit of a stranger would be a failed refresh.
const mark = 'countersign.session'

let refreshing

/** Remembers whether this browser has a session, so that it is worth refreshing. */
export function expectSession(expected) {
  if (expected) localStorage.setItem(mark, 'yes')
  else localStorage.removeItem(mark)
}

/**
 * Asks the API, as whoever is logged in: an access token that has expired is refreshed once, and the request sent
 * again. Where that fails, `session-end` is dispatched on the document.
 *
 * @returns {Promise<{ok: boolean, status: number, data: any, sentence: string}>} never rejected
 */
export async function ask(path, request = {}) {
  const answer = await send(path, request)
  if (answer.status !== 401 || answer.data.code !== 'unauthenticated') return answer
  if (await refreshed()) return send(path, request)
  expectSession(false)
  document.dispatchEvent(new Event('session-end'))
  return answer
}

/** Asks the API as anybody. */
export async function send(path, { method = 'GET', body } = {}) {
  const request = { method }
  if (body !== undefined) {
    request.headers = { 'content-type': 'application/json' }
    request.body = JSON.stringify(body)
  }
  try {
    const response = await fetch(path.startsWith('/') ? path : `/api/auth/${path}`, request)
    const data = await jsonOf(response)
    return { ok: response.ok, status: response.status, data, sentence: sentenceOf(response, data) }
  } catch {
    return { ok: false, status: 0, data: {}, sentence: 'The server can’t be reached. Try again in a moment.' }
  }
}

/** What is asked for by several at once is asked for once: of two refreshes one would look like a thief's. */
function refreshed() {
  if (localStorage.getItem(mark) === null) return false
  refreshing ??= send('refresh', { method: 'POST', body: {} })
    .then(({ ok }) => ok)
    .finally(() => {
      refreshing = undefined
    })
  return refreshing
}

async function jsonOf(response) {
  const text = await response.text()
  return text === '' ? {} : JSON.parse(text)
}

function sentenceOf({ ok, status }, { detail, retry_after: wait, title }) {
  if (status === 429) return `${detail ?? 'Too many attempts.'} Try again in ${seconds(wait)}.`
  if (detail || ok) return detail ?? ''
  if (status === 404) return 'This server does not offer that.'
  if (status === 403) return 'You may not do that.'
  if (status >= 500) return 'Something went wrong on the server. Try again in a moment.'
  return `${title ?? 'This was refused'}.`
}

function seconds(wait) {
  if (wait === undefined) return 'a while'
  if (wait < 90) return wait === 1 ? 'a second' : `${wait} seconds`
  return `${Math.ceil(wait / 60)} minutes`
}
