import { auditedEntity } from '@countersign/adapters/mikro-orm'
import { defineEntity, p } from '@mikro-orm/core'
import { MikroORM } from '@mikro-orm/pglite'
import { expect, it } from 'vitest'
import { FieldRules } from '../../packages/adapters/dist/mikro-orm/entity-change-fields.js'

const Account = defineEntity({
  name: 'Account',
  properties: { id: p.integer().primary(), number: p.bigint('bigint'), numbers: p.json<unknown>() },
})

it('a bigint in a personal field is masked and hashed as its text', () => {
  const orm = new MikroORM({ dbName: 'memory://', entities: [Account] })
  const rules = new FieldRules(orm, auditedEntity(Account, { personal: ['number', 'numbers'] }), (text) => `#${text}`)
  expect(rules.changes({ number: 9_007_199_254_740_993n, numbers: { one: 1n } })).toEqual({
    number: { to: { masked: expect.any(String), hash: '#9007199254740993' } },
    numbers: { to: { masked: expect.any(String), hash: '#{"one":"1"}' } },
  })
})
