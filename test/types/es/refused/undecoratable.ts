// what no ES decorator of ours can hook: fields, accessors, getters, static, private and synchronous methods
import { AuditEvent, Throttle } from '@countersign/mixins/es'

export class Fields {
  // TS1240: Argument of type 'undefined' is not assignable to parameter of type 'AsyncHandler'
  @AuditEvent('login')
  login = async (): Promise<void> => {}

  // TS1240: Argument of type 'undefined' is not assignable to parameter of type 'AsyncHandler'
  @Throttle('login')
  post = async (): Promise<void> => {}

  // TS1240: 'ClassAccessorDecoratorTarget<Fields, () => Promise<void>>' … is not assignable to parameter of type 'AsyncHandler'
  @AuditEvent('login')
  accessor state = async (): Promise<void> => {}
}

export class Methods {
  // TS1241: '() => string' is not assignable to parameter of type 'AsyncHandler' … Type 'string' is not assignable to type 'Promise<unknown>'
  @AuditEvent('login')
  login(): string {
    return 'done'
  }

  // TS1241: '() => void' is not assignable to parameter of type 'AsyncHandler' … Type 'void' is not assignable to type 'Promise<unknown>'
  @Throttle('login')
  post(): void {}

  // TS1241: '() => string' is not assignable to parameter of type 'AsyncHandler'
  @AuditEvent('login')
  get state(): string {
    return 'none'
  }

  // TS1241: Types of property 'static' are incompatible … Type 'true' is not assignable to type 'false'
  @AuditEvent('login')
  static async enter(): Promise<void> {}

  // TS1241: Types of property 'private' are incompatible … Type 'true' is not assignable to type 'false'
  @Throttle('login')
  async #leave(): Promise<void> {}

  leave(): Promise<void> {
    return this.#leave()
  }
}

// TS1238: 'typeof Whole' is not assignable to parameter of type 'AsyncHandler'
@AuditEvent('login')
export class Whole {}
