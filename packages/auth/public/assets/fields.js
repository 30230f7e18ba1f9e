import { el } from './dom.js'

/** A button that does something here. */
export function button(text, act) {
  const element = el('button', { type: 'button', className: 'quiet' }, text)
  element.addEventListener('click', act)
  return element
}

/** The current password, asked for again. */
export function passwordField() {
  const input = el('input', { name: 'password', type: 'password', autocomplete: 'current-password', required: true })
  return el('label', {}, 'Your password ', input)
}

/** A code: of the app, which has digits only, or a backup code. */
export function codeField(text, { digits = false } = {}) {
  const input = el('input', { name: 'code', className: 'code', autocomplete: 'one-time-code', required: true })
  input.autocapitalize = 'none'
  input.spellcheck = false
  if (digits) input.inputMode = 'numeric'
  return el('label', {}, `${text} `, input)
}

/** A form that is sent to `path`. */
export function formOf(path, fields, submit) {
  const answer = el('p', { className: 'answer' })
  answer.setAttribute('role', 'status')
  const form = el(
    'form',
    { method: 'post' },
    ...fields,
    answer,
    el('div', { className: 'buttons' }, el('button', { type: 'submit' }, submit)),
  )
  form.dataset.path = path
  return form
}

/** What is seen once it is opened. */
export function folded(title, content) {
  return el('details', {}, el('summary', {}, title), content)
}
