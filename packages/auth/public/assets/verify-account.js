const answer = document.getElementById('answer')
const token = new URLSearchParams(location.search).get('token') ?? ''
// Out of the address bar, the history and whatever is shared of them.
history.replaceState(null, '', location.pathname)

function verified({ has_password }) {
  return has_password ? 'Verified. You can log in now.' : 'Verified. Ask for a link to choose your password.'
}

document.getElementById('verify').addEventListener('submit', async (event) => {
  event.preventDefault()
  const response = await fetch('/api/auth/verify-account', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  answer.classList.toggle('refused', !response.ok)
  const { detail, user } = await response.json()
  answer.textContent = response.ok ? verified(user) : (detail ?? 'This link is not valid.')
})
