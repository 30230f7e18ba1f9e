import { vi } from 'vitest'

// Files run in one process, which is five times as fast; what their modules remember they do not share.
vi.resetModules()
