export type { CommandIo } from './command.js'
export { runCommandLine, type Shell } from './command-line.js'
export type { CommandSystem } from './running-store.js'
export { type CommandServer, type CommandServerOptions, serveCommands } from './serve-commands.js'
