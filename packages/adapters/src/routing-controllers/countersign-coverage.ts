#!/usr/bin/env node
import { coverageCommand } from './coverage-command.js'

const { exitCode, text } = await coverageCommand(process.argv.slice(2), process.cwd())
const stream = exitCode === 2 ? process.stderr : process.stdout
// What the module opened when it was imported must not keep the command running.
stream.write(`${text}\n`, () => process.exit(exitCode))
