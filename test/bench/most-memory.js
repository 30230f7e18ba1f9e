import { writeSync } from 'node:fs'

// Imported before a command: at its end, tells on descriptor 3 what the process took of memory at the most, in KiB.
process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)))
