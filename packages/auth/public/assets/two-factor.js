import { ask } from './api.js'
import { backupCodes } from './backup-codes.js'
import { el } from './dom.js'
import { button, codeField, folded, formOf, passwordField } from './fields.js'
import { whenSent } from './forms.js'

const card = document.getElementById('two-factor')
// While something is shown that would be lost: a secret, or codes.
let isOpen = false
const post = (path, body = {}) => ask(path, { method: 'POST', body })

/** The second factor: turned on by a scanned code and what it gives, turned off by password and code. */
export const twoFactor = {
  /** Shows whether it is on, as the account says. */
  async load({ two_factor: isOn }) {
    if (!card || isOpen) return
    const answer = isOn ? await ask('2fa/backup-codes') : null
    card.hidden = isOn === undefined || answer?.ok === false
    if (!card.hidden) draw(isOn ? on(answer.data.remaining) : off())
  },
}

/** What had the focus is gone with what was drawn before: a keyboard goes on at `next`. */
function draw(parts, next) {
  card.replaceChildren(...parts)
  if (next) card.querySelector(next).focus()
}

function drawOpen(parts, next) {
  isOpen = true
  draw(parts, next)
}

async function drawAgain(isOn) {
  isOpen = false
  await twoFactor.load({ two_factor: isOn })
  card.querySelector('h2')?.focus()
}

function head(badge, text) {
  return el(
    'div',
    { className: 'head' },
    el('h2', { tabIndex: -1 }, 'Two factors'),
    el('span', { className: `badge ${badge}` }, text),
  )
}

function off() {
  const form = formOf('2fa/setup', [], 'Turn on')
  whenSent(form, async (body) => {
    const answer = await post('2fa/setup', body)
    if (answer.ok) drawOpen(scanning(answer.data), 'input')
    else if (answer.data.code === 'reauthentication_required') askForPassword(form)
    return answer.ok ? null : answer
  })
  return [
    head('off', 'off'),
    el('p', {}, 'With a code from an app on your phone, a stolen password is not enough to log in.'),
    form,
  ]
}

/** Whoever logged in a while ago may be somebody else by now. */
function askForPassword(form) {
  if (!form.elements.namedItem('password')) form.prepend(passwordField())
  form.elements.namedItem('password').focus()
}

function scanning({ secret, otpauth_uri: uri, qr_svg: svg }) {
  const form = formOf('2fa/enable', [codeField('The code that the app shows', { digits: true })], 'Confirm')
  form.lastElementChild.append(button('Cancel', () => drawAgain(false)))
  whenSent(form, async ({ code }) => {
    const answer = await post('2fa/enable', { code: code.trim() })
    if (answer.ok) drawCodes(answer.data.backup_codes, 'Two factors are on.')
    return answer.ok ? null : answer
  })
  const app = el('a', { href: uri }, 'open an app on this device')
  return [
    head('off', 'not on yet'),
    el('p', {}, 'Scan the picture with an authenticator app, then type the code that it shows.'),
    el(
      'div',
      { className: 'scan' },
      qrPicture(svg),
      el(
        'div',
        {},
        el('p', {}, 'No camera? Type this into the app, or ', app, ':'),
        el('p', { className: 'secret' }, secret.replace(/(.{4})(?=.)/g, '$1 ')),
        form,
      ),
    ),
  ]
}

/** An SVG in a picture can run nothing and load nothing. */
function qrPicture(svg) {
  const src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  return el('img', { className: 'qr', src, alt: 'QR code for the authenticator app', width: 208, height: 208 })
}

function on(remaining) {
  const replace = formOf('2fa/backup-codes', [passwordField()], 'Make new codes')
  whenSent(replace, async (body) => {
    const answer = await post('2fa/backup-codes', body)
    if (answer.ok) drawCodes(answer.data.backup_codes, 'The codes before these are worth nothing now.')
    return answer.ok ? null : answer
  })
  const disable = formOf('2fa/disable', [passwordField(), codeField('Code, or a backup code')], 'Turn off')
  whenSent(disable, async ({ password, code }) => {
    const answer = await post('2fa/disable', { password, code: code.trim() })
    if (answer.ok) await drawAgain(false)
    return answer.ok ? null : answer
  })
  return [
    head('success', 'on'),
    el('p', {}, `${remaining} backup ${remaining === 1 ? 'code is' : 'codes are'} left.`),
    folded('Make new backup codes', replace),
    folded('Turn two factors off', disable),
  ]
}

function drawCodes(codes, sentence) {
  drawOpen([head('success', 'on'), ...backupCodes(codes, sentence, () => drawAgain(true))], 'h2')
}
