import { send } from './api.js'
import { empty, whenSent } from './forms.js'
import { safeNext } from './next.js'
import { show, viewOf } from './views.js'

/** Whether a part of the page is there, and for who is not logged in. */
export function isEntrance(name) {
  return name !== 'code' && viewOf(name)?.matches('.entrance') === true
}

const formOf = (path) => document.querySelector(`form[data-path="${path}"]`)

/** Wires the forms of who is not logged in; `enter(text)` is called once somebody is, `tell(text)` to say something. */
export function openEntrance({ enter, tell }) {
  // Of a login that waits for its second factor; with it goes a cookie that no script can read.
  let pending

  whenSent(formOf('login'), async (body) => {
    const answer = await send('login', { method: 'POST', body })
    if (!answer.ok) return answer
    empty(formOf('login'))
    tell('')
    if (!answer.data.requires_2fa) return enterWith('')
    pending = answer.data.session_token
    show('code')
  })

  whenSent(formOf('2fa/verify-login'), async ({ code }) => {
    const body = { session_token: pending, code: code.trim() }
    const answer = await send('2fa/verify-login', { method: 'POST', body })
    if (answer.status === 401) return startAgain(answer)
    if (!answer.ok) return answer
    pending = undefined
    empty(formOf('2fa/verify-login'))
    return enterWith(leftOver(answer.data))
  })

  for (const path of ['signup', 'password-reset', 'verify-account/resend']) {
    const form = formOf(path)
    if (!form) continue
    whenSent(form, async (body) => {
      const answer = await send(path, { method: 'POST', body })
      if (answer.ok) empty(form)
      return answer
    })
  }

  async function enterWith(text) {
    const next = safeNext(new URLSearchParams(location.search).get('next'), location.origin)
    if (next !== null) return location.assign(next)
    await enter()
    tell(text)
  }

  /** Too many codes, or too late: the password is asked for again. */
  function startAgain({ sentence }) {
    pending = undefined
    empty(formOf('2fa/verify-login'))
    tell(sentence)
    show('login')
  }
}

function leftOver({ backup_codes_remaining: remaining }) {
  if (remaining === undefined) return ''
  return `You used a backup code; ${remaining} ${remaining === 1 ? 'is' : 'are'} left.`
}
