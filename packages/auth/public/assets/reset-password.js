const answer = document.getElementById('answer')
const form = document.getElementById('reset')
const token = new URLSearchParams(location.search).get('token') ?? ''
// Out of the address bar, the history and whatever is shared of them.
history.replaceState(null, '', location.pathname)

function say(text, refused) {
  answer.textContent = text
  answer.classList.toggle('refused', refused)
}

if (token === '') say('This link has no token. Open it from the mail again.', true)

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const response = await fetch('/api/auth/password-reset-confirm', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, ...Object.fromEntries(new FormData(form)) }),
  })
  const { detail } = await response.json()
  say(detail ?? 'This link is not valid.', !response.ok)
  if (response.ok) form.remove()
})
