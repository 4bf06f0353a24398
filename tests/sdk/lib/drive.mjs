// Runs a driver: an SDK in a separate process, as its users run it.

import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { start, stop } from './process.mjs'

const HERE = path.resolve(import.meta.dirname, '..')

/** The server SDKs: how each is run, what it calls itself, and what is known of its retries
 * (whether it waits as Retry-After says, counts its attempts in X-Retry-Count, goes on for long). */
export const SDKS = [
  {
    name: 'node-3',
    title: '@segment/analytics-node 3.1.0',
    command: ['node', 'drivers/node.mjs', '@segment/analytics-node'],
    library: '@segment/analytics-node',
    waits: true,
    patient: true,
    counts: true,
  },
  {
    name: 'node-2',
    title: '@segment/analytics-node 2.2.1',
    command: ['node', 'drivers/node.mjs', 'analytics-node-2'],
    library: '@segment/analytics-node',
    // It gives up after 0.7 s, so it is not asked to wait.
    waits: false,
  },
  {
    name: 'rudder-node',
    title: '@rudderstack/rudder-sdk-node 3.0.13',
    command: ['node', 'drivers/node.mjs', 'rudder'],
    library: 'analytics-node',
    waits: true,
  },
  {
    name: 'python',
    title: 'segment-analytics-python 2.4.0',
    command: ['.venv/bin/python', 'drivers/python.py', 'segment.analytics'],
    library: 'analytics-python',
    waits: true,
    patient: true,
  },
  {
    name: 'python-gzip',
    title: 'segment-analytics-python 2.4.0, gzip',
    command: ['.venv/bin/python', 'drivers/python.py', 'segment.analytics'],
    library: 'analytics-python',
    options: { gzip: true },
  },
  {
    name: 'rudder-python',
    title: 'rudder-sdk-python 2.1.9',
    command: ['.venv/bin/python', 'drivers/python.py', 'rudderstack.analytics'],
    library: 'analytics-python',
  },
]

/** Sends calls by an SDK; what it reported. */
export async function drive(router, sdk, job) {
  const file = path.join(router.folder, `job-${sdk.name}-${Date.now()}.json`)
  writeFileSync(file, JSON.stringify({ host: router.url, options: sdk.options, ...job }))
  const [command, ...args] = sdk.command
  const child = start(command, [...args, file], { cwd: HERE })
  const ended = await Promise.race([child.ended, sleep(90_000, null, { ref: false })])
  if (!ended) await stop(child)
  if (ended?.code !== 0) throw new Error(`the driver failed (${JSON.stringify(ended)}):\n${child.output}`)
  // Among what the SDK itself prints.
  return JSON.parse(child.output.split('\n').findLast((line) => line.startsWith('{"errors"')))
}
