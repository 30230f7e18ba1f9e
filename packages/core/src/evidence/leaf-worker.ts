import { parentPort } from 'node:worker_threads'
import { type LeafWork, worked } from './leaf-work.js'
import { packed } from './packed-lines.js'

// The other end of a `LeafThread`. What is thrown here ends this thread, and is told to that one.

parentPort?.on('message', (work: LeafWork) => parentPort?.postMessage(packed(worked(work))))
parentPort?.postMessage('ready')
