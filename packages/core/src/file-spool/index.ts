/** A spool on the disk. */
export { type FileSpoolOptions, fileSpool } from './file-spool.js'
