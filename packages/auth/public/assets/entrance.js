import { expectSession, send } from './api.js'
import { empty, whenSent } from './forms.js'
import { show } from './views.js'

/** What can be seen by who is not logged in. */
export const entrance = new Set(['login', 'signup', 'forgot', 'resend'])

const formOf = (path) => document.querySelector(`form[data-path="${path}"]`)

/** Wires the forms of who is not logged in; `enter(user)` is called once somebody is. */
export function openEntrance(enter) {
  // Of a login that waits for its second factor; with it goes a cookie that no script can read.
  let pending

  whenSent(formOf('login'), async (body) => {
    const answer = await send('login', { method: 'POST', body })
    if (!answer.ok) return answer
    empty(formOf('login'))
    if (!answer.data.requires_2fa) return enterWith(answer)
    pending = answer.data.session_token
    show('code')
  })

  whenSent(formOf('2fa/verify-login'), async ({ code }) => {
    const body = { session_token: pending, code: code.trim() }
    const answer = await send('2fa/verify-login', { method: 'POST', body })
    if (!answer.ok) return answer
    pending = undefined
    empty(formOf('2fa/verify-login'))
    return enterWith(answer)
  })

  for (const path of ['signup', 'password-reset', 'verify-account/resend']) {
    const form = formOf(path)
    whenSent(form, async (body) => {
      const answer = await send(path, { method: 'POST', body })
      if (answer.ok) empty(form)
      return answer
    })
  }

  function enterWith({ data }) {
    expectSession(true)
    enter(data.user)
  }
}
