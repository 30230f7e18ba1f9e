import 'reflect-metadata'
import { auditStoreMigrations, migrate, mikroOrmSink } from '@countersign/adapters/mikro-orm'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { createAuditTrail } from '@countersign/core'
import { AuditEvent } from '@countersign/mixins'
import { Migrator } from '@mikro-orm/migrations'
import { IsEmail, IsString } from 'class-validator'
import { Body, createExpressServer, HttpCode, JsonController, Post } from 'routing-controllers'

const [store, hop] = process.argv.slice(2)

class ProfileUpdate {}
for (const [name, rule] of Object.entries({ email: IsEmail(), name: IsString() })) {
  rule(ProfileUpdate.prototype, name)
  Reflect.defineMetadata('design:type', String, ProfileUpdate.prototype, name)
}

class ProfileController {
  static className = 'ProfileController'
  static actor = () => ({ type: 'user', id: 'u-1' })

  async update(body) {
    // A handler with any work in it answers in a later turn than the one that read the body.
    if (hop === 'hop') await new Promise((resolve) => setImmediate(resolve))
    return { name: body.name }
  }
}
// What the decorators do, by hand: built files and this one run without a compiler.
const { prototype } = ProfileController
const method = Object.getOwnPropertyDescriptor(prototype, 'update')
if (store !== 'control') {
  AuditEvent('profile_update', { details: (body) => ({ fields: Object.keys(body) }) })(prototype, 'update', method)
  Object.defineProperty(prototype, 'update', method)
}
Reflect.defineMetadata('design:paramtypes', [ProfileUpdate], prototype, 'update')
JsonController('/profile')(ProfileController)
Body()(prototype, 'update', 0)
Post()(prototype, 'update', method)
HttpCode(200)(prototype, 'update', method)

async function sink() {
  const url = store.startsWith('postgres')
  const { MikroORM } = url ? await import('@mikro-orm/postgresql') : await import('@mikro-orm/pglite')
  const orm = await MikroORM.init({
    ...(url ? { clientUrl: store } : { dbName: store }),
    entities: [],
    discovery: { warnWhenNoEntities: false },
    extensions: [Migrator],
    migrations: { migrationsList: auditStoreMigrations, snapshot: false },
    logger: () => undefined,
  })
  await migrate(orm)
  return mikroOrmSink(orm)
}

const controllers =
  store === 'control'
    ? [ProfileController]
    : auditedControllers(createAuditTrail({ sink: await sink() }), [ProfileController])
const server = createExpressServer({ ...safeDefaults, controllers }).listen(0, '127.0.0.1', () => {
  process.send?.({ port: server.address().port })
})
