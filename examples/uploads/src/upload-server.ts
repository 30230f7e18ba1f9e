import { flexibleLimiter } from '@countersign/adapters/rate-limiter-flexible'
import { auditedControllers, safeDefaults } from '@countersign/adapters/routing-controllers'
import { type AuditTrail, createAuditTrail, type MemorySink, memorySink } from '@countersign/core'
import type { Express } from 'express'
import { createExpressServer } from 'routing-controllers'
import 'reflect-metadata'
import { FileStore } from './file-store.js'
import { UploadsController } from './uploads-controller.js'
import { tokenChecker, type User } from './users.js'

/** What the server is told. */
export interface UploadSettings {
  /** Where the files go. */
  readonly folder: string
  /** Who may upload, by token. */
  readonly users: ReadonlyMap<string, User>
  /** Uploads of an address, and of a user: `'10/min'`. */
  readonly limits?: { readonly address: string; readonly identifier: string }
}

/** The app to listen with, its trail, and the rows. */
export interface UploadServer {
  readonly app: Express
  readonly trail: AuditTrail
  readonly sink: MemorySink
}

/** Puts the example together; the rows stay in memory. */
export async function createUploadServer({ folder, users, limits }: UploadSettings): Promise<UploadServer> {
  const files = await FileStore.open(folder)
  const sink = memorySink()
  const limiter = flexibleLimiter({ scopes: { file_upload: limits ?? { address: '30/min', identifier: '10/min' } } })
  const trail = createAuditTrail({ sink, limiter })
  class Provided extends UploadsController {
    static override readonly className = UploadsController.className
    constructor() {
      super(files)
    }
  }
  const app: Express = createExpressServer({
    ...safeDefaults,
    controllers: auditedControllers(trail, [Provided]),
    authorizationChecker: tokenChecker(users),
  })
  return { app, trail, sink }
}
