// A running Signalbox with a sandbox, and the events that the pages show.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { start, stop, until } from '../../sdk/lib/process.mjs'

const ROOT = path.resolve(import.meta.dirname, '../../..')
const TARGET = path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target')
const BINARY = path.resolve(ROOT, process.env.SIGNALBOX ?? path.join(TARGET, 'debug/signalbox'))

/** Where screenshots go. */
export const PICTURES = path.join(TARGET, 'page')
/** Where the README's picture is. */
export const README_PICTURE = path.join(ROOT, 'docs/page.png')

const KEY = 'page-write-key'

export class Router {
  /** Starts a sandbox and a router before it; `admin` is more of its table `[admin]`. */
  static async start({ admin = '', tls = false } = {}) {
    const router = new Router()
    router.folder = mkdtempSync(path.join(tmpdir(), 'signalbox-page-'))
    router.sandbox = start(BINARY, ['sandbox', '--listen', '127.0.0.1:0'])
    router.sandboxUrl = await told(router.sandbox, /base_url = "(.*)\/v5"/)
    if (tls) admin = router.certificate() + admin
    const config = path.join(router.folder, 'pipeline.toml')
    writeFileSync(config, pipeline(router, admin))
    router.process = start(BINARY, ['run', '--config', config])
    router.shop = `http://${await told(router.process, /"source":"shop","address":"(.*?)"/)}`
    router.page = `http${tls ? 's' : ''}://${await told(router.process, /"the admin address is open","address":"(.*?)"/)}`
    await told(router.process, /"message":"(running)"/)
    return router
  }

  certificate() {
    const certificate = path.join(this.folder, 'certificate.pem')
    const key = path.join(this.folder, 'key.pem')
    execFileSync('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'],
      ...['-keyout', key, '-out', certificate],
    ], { stdio: 'ignore' })
    return `tls = { certificate = "${certificate}", key = "${key}" }\n`
  }

  /** Sends calls as an SDK does. */
  async send(calls) {
    const answer = await fetch(`${this.shop}/v1/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${KEY}:`)}` },
      body: JSON.stringify({ batch: calls }),
    })
    if (!answer.ok) throw new Error(`the source answers ${answer.status}: ${await answer.text()}`)
  }

  /** Asks the API. */
  async api(view, headers = {}) {
    const answer = await fetch(`${this.page}/api/${view}`, { headers: { 'x-signalbox': '1', ...headers } })
    return { status: answer.status, body: await answer.json() }
  }

  /** Waits until the overview counts so many events received, and none pending. */
  async settled(events, headers) {
    return until(() => this.process.output, async () => {
      const { body } = await this.api('overview', headers)
      const sums = body.funnels.map(({ steps }) => ({
        received: steps[0].events,
        pending: steps.flatMap(({ out }) => out).filter(({ outcome }) => outcome === 'pending').length,
      }))
      return sums.every(({ received, pending }) => received >= events && pending === 0)
    })
  }

  async stop() {
    await stop(this.process)
    await stop(this.sandbox)
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Waits for a word in a program's output. */
export async function told(program, pattern) {
  const found = await until(() => program.output, () => pattern.exec(program.output))
  return found[1]
}

/** Starts `signalbox demo --keep`. */
export async function demo() {
  const program = start(BINARY, ['demo', '--keep'])
  return { program, page: await told(program, /(http:\/\/\S+)\/ui\/overview/) }
}

/** The sinks, each with the settings that it needs. */
const SINKS = {
  pinterest: (url) => `type = "pinterest_conversions"
base_url = "${url}/v5"
ad_account_id = "549755885175"
conversion_token = "a-token-of-the-sandbox"`,
  meta: (url) => `type = "meta_conversions"
base_url = "${url}"
pixel_id = "1203948576120394"
access_token = "a-token-of-the-sandbox"`,
  tiktok: (url) => `type = "tiktok_events"
base_url = "${url}"
pixel_code = "C4EXAMPLE0PIXEL00001"
access_token = "a-token-of-the-sandbox"`,
}

function pipeline(router, admin) {
  const sinks = Object.entries(SINKS).map(([name, settings]) => `
[sinks.${name}]
inputs = ["shop"]
batch = { max_wait = "50ms" }
retry = { initial_backoff = "100ms", max_backoff = "500ms" }
${settings(router.sandboxUrl)}
`)
  return `
[journal]
path = "${router.folder}/journal"

[history]
path = "${router.folder}/history"

[admin]
listen = "127.0.0.1:0"
${admin}
[sources.shop]
type = "segment_http"
listen = "127.0.0.1:0"
write_keys = ["${KEY}"]
${sinks.join('')}`
}

/** An order, by its number. Some shops forget what platforms need. */
export function order(number, more = {}) {
  return {
    type: 'track',
    event: 'Order Completed',
    messageId: `page-order-${number}`,
    userId: `page-user-${number}`,
    timestamp: new Date().toISOString(),
    context: { ip: '203.0.113.9', userAgent: 'Mozilla/5.0', page: { url: 'https://shop.example/thanks' } },
    properties: {
      order_id: `A-${number}`, revenue: 20.5, currency: 'EUR', email: `buyer${number}@shop.example`,
      phone: '+49 30 5550110',
      products: [{ product_id: 'p-1', price: 20.5, quantity: 1 }],
    },
    ...more,
  }
}

/** Events of every kind that the pages tell apart. */
export function visits() {
  return [
    ...Array.from({ length: 6 }, (_, number) => order(number)),
    { type: 'track', event: 'Help <b>Opened</b>', messageId: 'page-help', userId: 'u', properties: {} },
    { type: 'track', event: 'Order Completed', messageId: 'page-nobody', anonymousId: 'a', properties: { revenue: 1 } },
    { type: 'track', messageId: 'page-nameless', userId: 'u' },
    order(7, { messageId: 'page-excluded', integrations: { All: false } }),
  ]
}
