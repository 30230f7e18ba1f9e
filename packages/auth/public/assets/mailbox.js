const mails = await (await fetch('/dev/mailbox.json')).json()

function article({ to, subject, text, sent_at }) {
  const element = document.createElement('article')
  const heading = document.createElement('h2')
  heading.textContent = `${subject} (to ${to}, ${new Date(sent_at).toLocaleTimeString()})`
  element.append(heading)
  // The text part, with its links made to open: the HTML part of a mail is nobody's to run here.
  for (const part of text.split(/(https?:\/\/\S+)/)) {
    if (!/^https?:/.test(part)) {
      element.append(part)
      continue
    }
    const link = document.createElement('a')
    link.href = part
    link.textContent = part
    element.append(link)
  }
  return element
}

if (mails.length > 0) document.getElementById('mails').replaceChildren(...mails.map(article))
