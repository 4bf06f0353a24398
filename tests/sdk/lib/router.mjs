// A running Signalbox: its sandbox, its sources, and what came out of its sinks.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { start, stop, until } from './process.mjs'

const ROOT = path.resolve(import.meta.dirname, '../../..')
const TARGET = path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target')
const BINARY = path.resolve(ROOT, process.env.SIGNALBOX ?? path.join(TARGET, 'debug/signalbox'))
const LIBRARY = path.resolve(import.meta.dirname, '../node_modules/@segment/analytics-next/dist/umd/standalone.js')

/** The write key that may everything, and the one that is held to one event in 5 s. */
export const KEY = 'sdk-write-key'
export const SLOW_KEY = 'slow-write-key'

export class Router {
  /** Starts the sandbox and a router before it. `journal` bounds the journal. */
  static async start({ journal = '64MB' } = {}) {
    const router = new Router()
    router.folder = mkdtempSync(path.join(tmpdir(), 'signalbox-sdk-'))
    router.archive = path.join(router.folder, 'archive.jsonl')
    router.capture = path.join(router.folder, 'accepted.jsonl')
    const certificate = path.join(router.folder, 'certificate.pem')
    const key = path.join(router.folder, 'key.pem')
    execFileSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
      ...['-keyout', key, '-out', certificate],
    ], { stdio: 'ignore' })
    router.sandbox = start(BINARY, ['sandbox', '--listen', '127.0.0.1:0', '--capture', router.capture])
    router.sandboxUrl = await told(router.sandbox, /base_url = "(.*)\/v5"/)
    const config = path.join(router.folder, 'pipeline.toml')
    writeFileSync(config, `
[journal]
type = "memory"
max_bytes = "${journal}"

[admin]
listen = "127.0.0.1:0"

[sources.shop]
type = "segment_http"
listen = "127.0.0.1:0"
write_keys = [
  "${KEY}",
  { key = "${SLOW_KEY}", name = "slow", rate_limit = { limit = 12, per = "minute", burst = 1 } },
]

[sources.secure]
type = "segment_http"
listen = "127.0.0.1:0"
write_keys = ["${KEY}"]
analytics_js = "${LIBRARY}"
tls = { certificate = "${certificate}", key = "${key}" }

[sinks.archive]
type = "file"
inputs = ["shop", "secure"]
path = "${router.archive}"

[sinks.pinterest]
type = "pinterest_conversions"
inputs = ["shop", "secure"]
base_url = "${router.sandboxUrl}/v5"
ad_account_id = "549755885175"
conversion_token = "a-token-of-the-sandbox"
batch = { max_wait = "100ms" }
retry = { initial_backoff = "100ms", max_backoff = "500ms" }
`)
    router.process = start(BINARY, ['run', '--config', config])
    router.url = `http://${await told(router.process, /"source":"shop","address":"(.*?)"/)}`
    router.secureHost = await told(router.process, /"source":"secure","address":"(.*?)"/)
    router.admin = `http://${await told(router.process, /"the admin address is open","address":"(.*?)"/)}`
    await until(() => `a ready router (${router.output()})`, async () => (await fetch(`${router.admin}/ready`)).ok)
    return router
  }

  /** Uses up what the slow key may send now. */
  async exhaust() {
    const headers = { authorization: `Basic ${btoa(`${SLOW_KEY}:`)}` }
    const body = JSON.stringify({ userId: 'nobody', event: 'Exhaust' })
    let answer
    do {
      answer = await fetch(`${this.url}/v1/track`, { method: 'POST', headers, body })
    } while (answer.ok)
    if (answer.status !== 429) throw new Error(`status ${answer.status}`)
  }

  output() {
    return [this.process, this.sandbox].map((child) => child.output).join('\n')
  }

  async stop() {
    const ended = await stop(this.process)
    await stop(this.sandbox)
    rmSync(this.folder, { recursive: true, force: true })
    return ended
  }

  async status() {
    return (await fetch(`${this.admin}/status`)).json()
  }

  /** Sets the sandbox's faults. */
  async faults(faults) {
    const answer = await fetch(`${this.sandboxUrl}/_sandbox/faults`, { method: 'PUT', body: JSON.stringify(faults) })
    if (!answer.ok) throw new Error(`the sandbox takes no such faults: ${await answer.text()}`)
  }

  /** What the file sink wrote. */
  archived() {
    return lines(this.archive)
  }

  /** What Pinterest accepted. */
  accepted() {
    return lines(this.capture)
  }

  /** Waits until `count` events that fit came out, and nothing is under way any more; these events. */
  async arrived(fits, count) {
    const found = () => this.archived().filter(fits)
    await until(() => `${count} events (there are ${found().length})`, () => found().length >= count)
    // Whatever would come twice has come by now.
    await until('a settled pipeline', async () => {
      const status = await this.status()
      return Object.values(status.sinks).every((sink) => sink.pending === 0)
    })
    return found()
  }
}

/** Waits until a program's output tells what this pattern catches: the address that the system gave for port 0. */
function told(child, pattern) {
  return until(() => `${pattern} in ${child.output}`, () => {
    if (child.exitCode !== null) throw new Error(`it ended:\n${child.output}`)
    return child.output.match(pattern)?.[1]
  })
}

function lines(file) {
  let text
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return []
  }
  // The last line may be half written.
  return text.split('\n').slice(0, -1).map((line) => JSON.parse(line))
}
