// Child processes, each ended by its id.

import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

const running = new Set()

/** Starts a program whose output is kept for the report of a failure. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  child.output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8')
    stream.on('data', (text) => (child.output = (child.output + text).slice(-20_000)))
  }
  running.add(child)
  child.ended = new Promise((resolve) =>
    child.on('close', (code, signal) => {
      running.delete(child)
      resolve({ code, signal })
    })
  )
  child.on('error', (error) => (child.output += error))
  return child
}

/** Asks a program to end, and ends it if it does not. */
export async function stop(child) {
  if (!running.has(child)) return child.ended
  child.kill('SIGTERM')
  const ended = await Promise.race([child.ended, sleep(15_000, null, { ref: false })])
  if (ended === null) child.kill('SIGKILL')
  return child.ended
}

/** Ends everything that was started and is still there. */
export async function stopAll() {
  await Promise.all([...running].map(stop))
}

/** Waits until `ask` gives something, for at most `seconds`. */
export async function until(what, ask, seconds = 30) {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > deadline) {
      throw new Error(`${typeof what === 'function' ? await what() : what} did not come about within ${seconds} s`)
    }
    await sleep(50)
  }
}
