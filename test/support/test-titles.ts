import ts from 'typescript-6'
import { parse } from './sources.js'

/** The titles of the tests in a source; what a template inserts is "…". One that never runs has none. */
export function titlesIn(text: string): string[] {
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      if (isSkipped(node.expression)) return
      const [title] = node.arguments
      if (title && declaresTests(node.expression)) titles.push(...titleOf(title))
    }
    ts.forEachChild(node, visit)
  }
  visit(parse('proof.test.ts', text))
  return titles
}

function titleOf(title: ts.Expression): string[] {
  if (ts.isStringLiteralLike(title)) return [title.text]
  if (!ts.isTemplateExpression(title)) return []
  return [[title.head, ...title.templateSpans.map(({ literal }) => literal)].map(({ text }) => text).join('…')]
}

/** `it`, `describe.concurrent`, `test.each(table)`; not `it.each`, whose argument is no title, and not `it.skip`. */
function declaresTests(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return ['describe', 'it', 'test'].includes(callee.text)
  if (ts.isPropertyAccessExpression(callee))
    return ['concurrent', 'sequential', 'only'].includes(callee.name.text) && declaresTests(callee.expression)
  if (!ts.isCallExpression(callee) || !ts.isPropertyAccessExpression(callee.expression)) return false
  const { name, expression } = callee.expression
  return ['each', 'for', 'runIf', 'skipIf'].includes(name.text) && declaresTests(expression)
}

/** `describe.skip`, `it.todo`, `test.skip.each(table)`: nothing in it runs. */
function isSkipped(callee: ts.Expression): boolean {
  if (ts.isCallExpression(callee)) return isSkipped(callee.expression)
  if (!ts.isPropertyAccessExpression(callee)) return false
  return (
    (['skip', 'todo'].includes(callee.name.text) && declaresTests(callee.expression)) || isSkipped(callee.expression)
  )
}
