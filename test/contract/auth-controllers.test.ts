import * as auth from '@countersign/auth'
import { expect, it } from 'vitest'

it('authControllers is every controller that the package exports, each once, and nobody adds to it', () => {
  const exported = Object.entries(auth).filter(([name]) => name.endsWith('Controller'))
  expect(new Set(auth.authControllers)).toEqual(new Set(exported.map(([, controller]) => controller)))
  expect(auth.authControllers).toHaveLength(exported.length)
  expect(Object.isFrozen(auth.authControllers)).toBe(true)
})
