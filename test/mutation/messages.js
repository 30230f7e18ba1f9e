/**
 * Leaves out what an error says: the text changes no row. The code of an error, a reason, the
 * name of an event and every other text stay in.
 */
const messages = {
  shouldIgnore({ node, parentPath, listKey, key }) {
    if (!['StringLiteral', 'TemplateLiteral', 'ConditionalExpression'].includes(node.type)) return undefined
    return isMessage(parentPath?.node, listKey, key) ? 'It is the text of an error or of a fault.' : undefined
  },
}

function isMessage(parent, listKey, key) {
  if (parent?.type === 'ObjectProperty') return key === 'value' && parent.key.name === 'message'
  if (listKey !== 'arguments') return false
  const [callee, place] = [calleeOf(parent), { AuditError: 1, TypeError: 0, Error: 0, super: 1, report: 1 }]
  return key === place[callee]
}

function calleeOf({ callee }) {
  if (callee.type === 'Super') return 'super'
  return callee.type === 'MemberExpression' ? callee.property.name : callee.name
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'messages', value: messages }]
