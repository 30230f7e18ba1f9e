import { ask, expectSession } from './api.js'
import { openCredentials } from './credentials.js'
import { el } from './dom.js'
import { entrance, openEntrance } from './entrance.js'
import { history as ownHistory } from './history.js'
import { profile } from './profile.js'
import { sessions } from './sessions.js'
import { trail } from './trail.js'
import { twoFactor } from './two-factor.js'
import { users } from './users.js'
import { show } from './views.js'

const titles = {
  security: 'Security',
  sessions: 'Sessions',
  history: 'History',
  profile: 'Profile',
  users: 'Users',
  trail: 'Trail',
}
const security = { name: 'security', load: () => twoFactor.load() }
const nav = document.getElementById('sections')
const who = document.getElementById('who')
const logout = document.getElementById('logout')
const notice = document.getElementById('notice')

// What this server offers to whoever is logged in, by name; null while nobody is.
let offered = null

async function enter() {
  const own = await profile.load()
  if (own.status === 401) return
  const others = [security, sessions, ownHistory]
  const answers = await Promise.all(others.map(({ load }) => load()))
  if (answers.some(({ status }) => status === 401)) return
  const sections = [...others, profile].filter((section, index) => isOffered(section, [...answers, own][index]))
  // To try would be an attempt, and reading the trail is a row.
  if (own.data.is_admin) sections.push(users, trail)
  offered = new Map(sections.map((section) => [section.name, section]))
  nav.replaceChildren(...sections.map(({ name }) => el('a', { href: `#${name}` }, titles[name])))
  who.textContent = own.data.email ?? ''
  frame(true)
  tell('')
  route()
}

function isOffered(section, { status }) {
  return section === security || status !== 404
}

function leave(text) {
  offered = null
  nav.replaceChildren()
  who.textContent = ''
  frame(false)
  history.replaceState(null, '', '#login')
  tell(text)
  route()
}

function frame(isInside) {
  for (const part of [nav, who, logout]) part.hidden = !isInside
}

function tell(text) {
  notice.textContent = text
  notice.hidden = text === ''
}

/** Shows what the address names, as far as it may be shown; answers the section, where it is one. */
function route() {
  const name = location.hash.slice(1)
  if (!offered) {
    show(entrance.has(name) ? name : 'login')
    return null
  }
  const section = offered.get(name) ?? security
  history.replaceState(null, '', `#${section.name}`)
  for (const link of nav.children) {
    if (link.hash === location.hash) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  show(section.name)
  return section
}

window.addEventListener('hashchange', () => {
  tell('')
  route()?.load()
})
document.addEventListener('session-end', () => {
  if (offered) leave('Your session has ended. Please log in again.')
})
logout.addEventListener('click', async () => {
  const { ok, sentence } = await ask('logout', { method: 'POST', body: {} })
  if (!ok) return tell(sentence)
  expectSession(false)
  leave('You are logged out.')
})

openEntrance(enter)
openCredentials(() => sessions.load())
await enter()
if (!offered) route()
