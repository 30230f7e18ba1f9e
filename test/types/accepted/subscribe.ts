import type { Attempted, AuditRow, AuditSignal, AuditTrail, FaultSignal, LossSignal, SignalOf } from '@countersign/core'
import { sameType } from '../../support/same-type.js'

declare const trail: AuditTrail
declare function alert(attempted: Attempted | null, address: string | null): void
declare const stream: { write(signal: AuditSignal): boolean }

export const off: () => void = trail.signals.on('login.failure', ({ row }) => alert(row.attempted, row.address))
trail.signals.on('*', stream.write)

trail.signals.on('social_login', ({ name, row }) => {
  sameType<typeof name, 'social_login'>()
  sameType<typeof row, AuditRow<'social_login'>>()
  // A body that is refused before the handler leaves a row without it.
  sameType<typeof row.details.provider, string | undefined>()
})
trail.signals.on('two_factor_challenge.denied', ({ name, row }) => {
  sameType<typeof name, 'two_factor_challenge'>()
  sameType<typeof row.details.remaining, number | undefined>()
  // @ts-expect-error Another event's details are not this one's.
  row.details.provider
})
trail.signals.once('loss', ({ row, cause }) => [row.id, cause], { signal: AbortSignal.timeout(1000) })
trail.signals.on('fault', async ({ error }) => error.code === 'STEP_FAILED')

sameType<SignalOf<'login'>, AuditSignal<'login'>>()
sameType<SignalOf<'login.success'>, AuditSignal<'login'>>()
sameType<SignalOf<'loss'>, LossSignal>()
sameType<SignalOf<'fault'>, FaultSignal>()
sameType<SignalOf<'*'>['row']['id'], string>()
