import { send } from './api.js'
import { say } from './dom.js'
import { whenSent } from './forms.js'

const form = document.querySelector('form')
const token = new URLSearchParams(location.search).get('token') ?? ''
// Out of the address bar, the history and whatever is shared of them.
history.replaceState(null, '', location.pathname)

if (token === '') {
  say(form.querySelector('.answer'), 'This link has no token. Open it from the mail again.', true)
  form.querySelector('button').remove()
}

whenSent(form, async (body) => {
  const answer = await send(form.dataset.path, { method: 'POST', body: { token, ...body } })
  if (!answer.ok) return answer
  for (const part of form.querySelectorAll(':scope > :not(.answer)')) part.remove()
  return { ...answer, sentence: sentenceOf(answer.data) }
})

// Before, a press would have sent the form past this script.
form.querySelector('button')?.removeAttribute('disabled')

function sentenceOf({ detail, user }) {
  if (user && user.has_password === false) return 'Verified. Ask for a link to choose your password.'
  return detail ?? form.dataset.done
}
