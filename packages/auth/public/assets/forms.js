import { el, say } from './dom.js'

/**
 * Has a form answered by `act(body)`: one at a time, with what is wrong beside the field that it is about.
 * `act` answers what the API did, or nothing where there is nothing to say.
 */
export function whenSent(form, act) {
  const place = form.querySelector('.answer')
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (form.getAttribute('aria-busy') === 'true') return
    form.setAttribute('aria-busy', 'true')
    clearFaults(form)
    say(place, '')
    const answer = await act(bodyOf(form))
    form.removeAttribute('aria-busy')
    if (answer) tell(form, place, answer)
  })
}

/** Takes out what was typed, above all passwords. */
export function empty(form) {
  form.reset()
  clearFaults(form)
}

function tell(form, place, { ok, data, sentence }) {
  const others = (data.errors ?? []).filter((error) => !showFault(form, error))
  const rest = others.map(({ message, code }) => message ?? code).join('; ')
  if (ok || !data.errors || rest) say(place, sentence || rest, !ok)
  form.querySelector('[aria-invalid]')?.focus()
}

function bodyOf(form) {
  const body = Object.fromEntries(new FormData(form))
  for (const box of form.querySelectorAll('input[type=checkbox]')) body[box.name] = box.checked
  for (const { name, value } of form.querySelectorAll('[data-optional]')) if (value === '') delete body[name]
  return body
}

/** Tells whether the form has the field that a fault is about. */
function showFault(form, { field, message, code }) {
  const input = field ? form.elements.namedItem(field) : null
  if (!input) return false
  const text = (message ?? code).replace(`${field} must`, 'This must')
  const fault = el('p', { className: 'hint fault', id: `fault-${form.dataset.path}-${field}` }, `${text}.`)
  input.setAttribute('aria-invalid', 'true')
  describe(input, (ids) => [...ids, fault.id])
  // Beside the label: in it, it would be part of the field's name.
  input.closest('label').after(fault)
  return true
}

function clearFaults(form) {
  for (const input of form.querySelectorAll('[aria-invalid]')) {
    input.removeAttribute('aria-invalid')
    describe(input, (ids) => ids.filter((id) => !id.startsWith('fault-')))
  }
  for (const fault of form.querySelectorAll('.fault')) fault.remove()
}

function describe(input, change) {
  const ids = change((input.getAttribute('aria-describedby') ?? '').split(' ').filter(Boolean))
  if (ids.length > 0) input.setAttribute('aria-describedby', ids.join(' '))
  else input.removeAttribute('aria-describedby')
}
