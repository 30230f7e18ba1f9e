export { type JsonlRowsOptions, jsonlRows, type UnreadableLine } from './jsonl-rows.js'
export { type JsonlSink, type JsonlSinkOptions, jsonlSink } from './jsonl-sink.js'
