import { ask } from './api.js'
import { el, moment, say } from './dom.js'
import { pagedList, row } from './rows.js'
import { viewOf } from './views.js'

const view = viewOf('users')
const place = view.querySelector('.answer')
const search = view.querySelector('form')

/** The accounts, for administrators. */
export const section = { name: 'users', load: pagedList(view, pathOf, userRow) }

search.addEventListener('submit', (event) => {
  event.preventDefault()
  section.load()
})

function pathOf(cursor) {
  const query = new URLSearchParams({ limit: '25' })
  const typed = search.elements.namedItem('search').value.trim()
  if (typed !== '') query.set('search', typed)
  if (cursor !== null) query.set('cursor', cursor)
  return `admin/users?${query}`
}

function userRow(user) {
  const { email, is_admin: isAdmin, verified_at: verified, disabled_at: disabled, last_login_at: seen } = user
  const marks = [
    isAdmin && ['admin', 'admin'],
    disabled && ['disabled', 'disabled'],
    !verified && ['off', 'not verified'],
  ]
  const summary = el('summary', {}, 'Act')
  summary.setAttribute('aria-label', `Act on ${email}`)
  const acts = actsOf(user).map(([path, title, done]) => actButton(user, { path, title, done }))
  return row({
    what: email,
    badges: marks.filter(Boolean),
    about: [
      el('span', {}, 'since ', moment(user.created_at)),
      seen ? el('span', {}, 'last log-in ', moment(seen)) : 'never logged in',
    ],
    more: el('details', {}, summary, el('div', { className: 'buttons' }, ...acts)),
  })
}

function actsOf({ disabled_at: disabled }) {
  if (disabled) return [['enable', 'Enable', 'can log in again.']]
  return [
    ['logout', 'Log out', 'was logged out everywhere.'],
    ['unlock', 'Unlock', 'can try to log in again.'],
    ['password-reset', 'Mail a reset', 'gets a mail with a link to choose a password.'],
    ['two-factor-reset', 'Take the second factor away', 'logs in without a code now.'],
    ['disable', 'Disable', 'can’t log in any more.'],
  ]
}

function actButton({ id, email }, { path, title, done }) {
  const element = el('button', { type: 'button', className: 'quiet small' }, title)
  element.setAttribute('aria-label', `${title}: ${email}`)
  element.addEventListener('click', async () => {
    const answer = await ask(`admin/users/${encodeURIComponent(id)}/${path}`, { method: 'POST', body: {} })
    if (answer.ok) element.closest('li').replaceWith(userRow(answer.data))
    say(place, answer.ok ? `${email} ${done}` : answer.sentence, !answer.ok)
    // The button went with its row, or stands in a new one.
    view.querySelector('h1').focus()
  })
  return element
}
