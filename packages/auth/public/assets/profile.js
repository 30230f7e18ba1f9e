import { ask } from './api.js'
import { moment } from './dom.js'
import { whenSent } from './forms.js'
import { viewOf } from './views.js'

const form = viewOf('profile').querySelector('form')
const hint = document.getElementById('consent-hint')

/** What one says of oneself. */
export const section = {
  name: 'profile',
  async load() {
    const answer = await ask('profile')
    if (answer.ok) fill(answer.data)
    return answer
  },
}

whenSent(form, async (body) => {
  const answer = await ask('profile', { method: 'PATCH', body })
  if (answer.ok) fill(answer.data)
  return answer.ok ? { ...answer, sentence: 'Saved.' } : answer
})

function fill({ marketing_consent: consents, marketing_consent_updated_at: decided, ...fields }) {
  for (const name of ['first_name', 'last_name', 'location', 'bio']) form.elements.namedItem(name).value = fields[name]
  form.elements.namedItem('marketing_consent').checked = consents
  hint.replaceChildren(...(decided ? [consents ? 'Agreed to ' : 'Withdrawn ', moment(decided)] : []))
}
