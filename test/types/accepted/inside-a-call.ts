import { type AttemptHandle, actAs, currentAttempt, currentContext, type EventDetails } from '@countersign/core'
import { sameType } from '../../support/same-type.js'

const login = currentAttempt('login')
sameType<typeof login, AttemptHandle<'login'>>()
sameType<Parameters<typeof login.details>, [details: Partial<EventDetails<'login'>>]>()
login
  .details({ method: 'totp' })
  .subject({ type: 'user', id: '7' })
  .attempted('ada@example.com')
  .session('s-1')
  .onBehalfOf({ type: 'user', id: '8' })
  .reason('bad_credentials')
  .outcome('failure', 'bad_credentials')

currentAttempt().reason('not_found')
// @ts-expect-error Without the event's name there is no telling what its details are.
currentAttempt().details({ method: 'totp' })
// @ts-expect-error Not one of the methods that a login knows.
login.details({ method: 'carrier_pigeon' })
// @ts-expect-error An outcome is success, failure or denied.
login.outcome('refused')

actAs({ id: 7 })
actAs({ type: 'service', id: 'billing', label: 'Billing' })
// @ts-expect-error Nobody can be named without an id or a type.
actAs({ name: 'Ada' })

sameType<ReturnType<typeof currentContext>['requestId'], string | undefined>()
// @ts-expect-error The context is frozen.
currentContext().requestId = 'mine'
