const answer = document.getElementById('answer')

document.getElementById('verify').addEventListener('submit', async (event) => {
  event.preventDefault()
  const token = new URLSearchParams(location.search).get('token') ?? ''
  const response = await fetch('/api/auth/verify-account', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
  answer.classList.toggle('refused', !response.ok)
  const { detail } = await response.json()
  answer.textContent = response.ok ? 'Verified. You can log in now.' : (detail ?? 'This link is not valid.')
})
