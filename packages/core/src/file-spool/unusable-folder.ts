import { AuditError } from '../audit-error.js'

const denied = 'Let this process write to it, or choose another one.'
const full = 'Make room on its disk, or choose one on another disk.'
const inTheWay = 'A file stands in its way: remove that, or choose another one.'

const advices: Readonly<Record<string, string>> = {
  EACCES: denied,
  EPERM: denied,
  ENOSPC: full,
  EDQUOT: full,
  EEXIST: inTheWay,
  ENOTDIR: inTheWay,
  EROFS: 'Its file system is read-only: choose one on another.',
}

/** A folder that can't hold a spool: why, and what to do. */
export function unusableFolder(path: string, cause: unknown): AuditError {
  const { code } = cause as NodeJS.ErrnoException
  const reason = code === undefined ? '' : `: ${code}`
  const advice = advices[code ?? ''] ?? 'Choose one that this process may write to.'
  return new AuditError('SPOOL_INVALID', `The spool's folder ${path} can't be used${reason}. ${advice}`, { cause })
}
