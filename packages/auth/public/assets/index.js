const answer = document.getElementById('answer')
const rows = document.getElementById('rows')
const title = document.getElementById('rows-title')
const who = document.getElementById('who')
const change = document.querySelector('form[data-path=change-password]')

function say(text, refused = false) {
  answer.textContent = text
  answer.classList.toggle('refused', refused)
}

function bodyOf(form) {
  const body = Object.fromEntries(new FormData(form))
  for (const box of form.querySelectorAll('input[type=checkbox]')) body[box.name] = box.checked
  return body
}

async function send(path, body) {
  const response = await fetch(`/api/auth/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const document = response.status === 204 ? {} : await response.json()
  const wait = document.retry_after ? ` Try again in ${document.retry_after} seconds.` : ''
  const fields = (document.errors ?? []).map(({ message, code }) => message ?? code).join('; ')
  say(`${response.status}: ${document.detail || fields || document.code || 'done'}${wait}`, !response.ok)
  return document
}

function cell(text, className = '') {
  const td = document.createElement('td')
  td.textContent = text ?? ''
  td.className = className
  return td
}

function rowOf({ occurred_at, event, outcome, reason, actor, attempted, address }) {
  const tr = document.createElement('tr')
  tr.append(
    cell(new Date(occurred_at).toLocaleTimeString()),
    cell(event),
    cell(outcome, outcome),
    cell(reason),
    cell(actor ? (actor.label ?? actor.id ?? actor.type) : ''),
    cell(attempted?.masked),
    cell(address),
  )
  return tr
}

async function load(path) {
  const response = await fetch(path)
  return response.ok ? response.json() : null
}

async function showRows() {
  const own = await load('/api/auth/login-history?limit=20')
  change.hidden = own === null
  if (!own) {
    who.textContent = 'Nobody is logged in.'
    return
  }
  who.textContent = 'Logged in.'
  title.textContent = 'Rows that concern your account, newest first'
  rows.replaceChildren(...own.items.map(rowOf))
}

async function showTrail() {
  const all = await load('/api/audit/events?limit=50')
  if (!all) return
  who.textContent = 'Logged in as administrator.'
  title.textContent = 'The whole trail, newest first; reading it is a row, too'
  rows.replaceChildren(...all.items.map(rowOf))
}

for (const form of document.querySelectorAll('form')) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    const { user } = await send(form.dataset.path, bodyOf(form))
    await showRows()
    // Nobody else may read the whole trail, and to try would be an attempt.
    if (user?.is_admin) await showTrail()
  })
}
await showRows()
