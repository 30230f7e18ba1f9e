// a field that the entity does not have, of defineEntity and of a class
import { auditedEntity } from '@countersign/adapters/mikro-orm'
import { defineEntity, p } from '@mikro-orm/core'

const Customer = defineEntity({ name: 'Customer', properties: { id: p.integer().primary(), email: p.string() } })

class Invoice {
  id!: number
  amount!: number
  pay(): void {}
}

export const known = [auditedEntity(Customer, { personal: ['email'] }), auditedEntity(Invoice, { ignored: ['amount'] })]

// TS2820: Type '"emial"' is not assignable to type
auditedEntity(Customer, { personal: ['emial'] })
// TS2820: Type '"amuont"' is not assignable to type
auditedEntity(Invoice, { secrets: ['amuont'] })
// TS2322: Type '"pay"' is not assignable to type
auditedEntity(Invoice, { ignored: ['pay'] })
