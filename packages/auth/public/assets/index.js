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
const nav = document.getElementById('sections')
const who = document.getElementById('who')
const logout = document.getElementById('logout')
const notice = document.getElementById('notice')

// What a page that was left says on the next one.
const lastWords = 'countersign.last-words'
// What this server offers to whoever is logged in, by name; null while nobody is.
let offered = null

const security = {
  name: 'security',
  async load() {
    const account = await profile.load()
    if (account.status !== 401) await twoFactor.load(account.data)
    return account
  },
}

async function enter() {
  const account = await security.load()
  if (account.status === 401) return
  const lists = await Promise.all([sessions.load(), ownHistory.load()])
  if (lists.some(({ status }) => status === 401)) return
  const answers = [{}, ...lists, account]
  const sections = [security, sessions, ownHistory, profile].filter((_, index) => answers[index].status !== 404)
  expectSession(true)
  // To try would be an attempt, and reading the trail is a row.
  if (account.data.is_admin) sections.push(users, trail)
  offered = new Map(sections.map((section) => [section.name, section]))
  nav.replaceChildren(...sections.map(({ name }) => el('a', { href: `#${name}` }, titles[name])))
  who.textContent = account.data.email ?? ''
  for (const part of [nav, who, logout]) part.hidden = false
  const section = route()
  if (section === users || section === trail) section.load()
}

/** Nothing of who was here stays in the page. */
function leave(text) {
  expectSession(false)
  sessionStorage.setItem(lastWords, text)
  history.replaceState(null, '', '#login')
  location.reload()
}

function tell(text) {
  notice.textContent = text
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
  if (ok) leave('You are logged out.')
  else tell(sentence)
})

tell(sessionStorage.getItem(lastWords) ?? '')
sessionStorage.removeItem(lastWords)
openEntrance({ enter, tell })
openCredentials(() => sessions.load())
await enter()
if (!offered) route()
