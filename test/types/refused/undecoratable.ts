// an arrow-function property, a synchronous method or an accessor under a decorator
import { AuditEvent, Throttle } from '@countersign/mixins'

export class Fields {
  // TS1240: Unable to resolve signature of property decorator
  @AuditEvent('login')
  login = async (): Promise<void> => {}

  // TS1240: Unable to resolve signature of property decorator
  @Throttle('login')
  post = async (): Promise<void> => {}
}

export class Synchronous {
  // TS1241: TypedPropertyDescriptor<AsyncHandler> … Type 'string' is not assignable to type 'Promise<unknown>'
  @AuditEvent('login')
  login(): string {
    return 'done'
  }

  // TS1241: TypedPropertyDescriptor<AsyncHandler> … Type 'void' is not assignable to type 'Promise<unknown>'
  @Throttle('login')
  post(): void {}

  // TS1241: TypedPropertyDescriptor<AsyncHandler> … 'string' is not assignable to type 'AsyncHandler'
  @AuditEvent('login')
  get state(): string {
    return 'none'
  }
}
