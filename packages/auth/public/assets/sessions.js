import { ask } from './api.js'
import { deviceName, el, moment, say } from './dom.js'
import { row } from './rows.js'
import { viewOf } from './views.js'

const view = viewOf('sessions')
const list = view.querySelector('.rows')
const place = view.querySelector('.answer')
const others = view.querySelector('[data-act=end-others]')

/** One's own sessions, and how to end them. */
export const section = {
  name: 'sessions',
  async load() {
    const answer = await ask('sessions')
    if (!answer.ok) return answer
    const { items } = answer.data
    list.replaceChildren(...items.map(sessionRow))
    others.hidden = items.every(isCurrent)
    return answer
  },
}

others.addEventListener('click', () => end('sessions', 'Every other session was ended.'))

function sessionRow(session) {
  const { id, address, created_at: created, last_seen_at: seen } = session
  const stop = el('button', { type: 'button', className: 'quiet small' }, 'End')
  stop.setAttribute('aria-label', `End the session of ${deviceName(session)}`)
  stop.addEventListener('click', () => end(`sessions/${encodeURIComponent(id)}`, 'The session was ended.'))
  return row({
    what: deviceName(session),
    badges: isCurrent(session) ? [['current', 'this one']] : [],
    about: [address, seen && el('span', {}, 'last seen ', moment(seen)), el('span', {}, 'since ', moment(created))],
    more: isCurrent(session) ? null : stop,
  })
}

function isCurrent({ current }) {
  return current
}

async function end(path, done) {
  const answer = await ask(path, { method: 'DELETE' })
  say(place, answer.ok ? done : answer.sentence, !answer.ok)
  await section.load()
  view.querySelector('h1').focus()
}
