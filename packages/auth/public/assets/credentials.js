import { ask } from './api.js'
import { empty, whenSent } from './forms.js'

/** Wires the forms that change the password and the address; `changed()` is called when one of them did. */
export function openCredentials(changed) {
  for (const path of ['change-password', 'change-email']) {
    const form = document.querySelector(`form[data-path="${path}"]`)
    if (!form) continue
    whenSent(form, async (body) => {
      const answer = await ask(path, { method: 'POST', body })
      if (answer.ok) {
        empty(form)
        changed()
      }
      return answer
    })
  }
}
