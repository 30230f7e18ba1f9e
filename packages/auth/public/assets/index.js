import { ask, expectSession } from './api.js'
import { openCredentials } from './credentials.js'
import { el } from './dom.js'
import { isEntrance, openEntrance } from './entrance.js'
import { twoFactor } from './two-factor.js'
import { show, viewOf } from './views.js'

const nav = document.getElementById('sections')
const who = document.getElementById('who')
const logout = document.getElementById('logout')
const notice = document.getElementById('notice')

const forAdmins = ['users', 'trail']
// What a page that was left says on the next one.
const lastWords = 'countersign.last-words'
// What this server offers to whoever is logged in, by name; null while nobody is.
let offered = null

// What this server has no part of the page for, it does not offer.
const there = ['sessions', 'history', 'profile', 'users', 'trail'].filter(viewOf)
const modules = await Promise.all(there.map((name) => import(`./${name}.js`)))
const sections = new Map(modules.map(({ section }) => [section.name, section]))
const security = {
  name: 'security',
  async load() {
    const account = await whoAsks()
    if (account.ok) await twoFactor.load(account.data)
    return account
  },
}

/** The account; where there are no profiles at least whether there is a session. */
function whoAsks() {
  return sections.get('profile')?.load() ?? ask('csrf')
}

async function enter() {
  const account = await security.load()
  if (account.status === 401) return
  const lists = ['sessions', 'history'].flatMap((name) => sections.get(name) ?? [])
  const answers = await Promise.all(lists.map(({ load }) => load()))
  if (answers.some(({ status }) => status === 401)) return
  expectSession(true)
  offered = new Map([['security', security], ...sections])
  // To try would be an attempt, and reading the trail is a row.
  if (!account.data.is_admin) for (const name of forAdmins) offered.delete(name)
  nav.replaceChildren(...[...offered.keys()].map((name) => el('a', { href: `#${name}` }, titleOf(name))))
  who.textContent = account.data.email ?? ''
  for (const part of [nav, who, logout]) part.hidden = false
  const section = route()
  if (forAdmins.includes(section.name)) section.load()
}

function titleOf(name) {
  return viewOf(name).querySelector('h1').textContent
}

/** Nothing of who was here stays in the page. */
function leave(text) {
  expectSession(false)
  sessionStorage.setItem(lastWords, text)
  history.replaceState(null, '', '/#login')
  location.reload()
}

function tell(text) {
  notice.textContent = text
}

/** Shows what the address names, as far as it may be shown; answers the section, where it is one. */
function route() {
  const name = location.hash.slice(1)
  if (!offered) {
    show(isEntrance(name) ? name : 'login')
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
openCredentials(() => sections.get('sessions')?.load())
await enter()
if (!offered) route()
