import { el, say } from './dom.js'
import { button } from './fields.js'

/** Backup codes, which the server shows once: to be copied or saved before `kept()`. */
export function backupCodes(codes, sentence, kept) {
  const text = `${codes.join('\n')}\n`
  const done = el('p', { className: 'answer' })
  done.setAttribute('role', 'status')
  const copy = button('Copy', async () => {
    const copied = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    )
    say(done, copied ? 'Copied.' : 'Copying is not allowed here. Select the codes instead.', !copied)
  })
  const save = el('a', { className: 'button quiet', download: 'backup-codes.txt' }, 'Save as a file')
  save.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }))
  const finish = button('I have kept them', () => {
    URL.revokeObjectURL(save.href)
    kept()
  })
  finish.className = ''
  const list = el('ul', { className: 'codes' }, ...codes.map((code) => el('li', {}, code)))
  list.setAttribute('aria-label', 'Backup codes')
  return [
    el('p', {}, `${sentence} Keep these backup codes, which are shown once: each logs you in when the app is lost.`),
    list,
    done,
    el('div', { className: 'buttons' }, finish, copy, save),
  ]
}
