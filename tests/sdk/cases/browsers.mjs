// analytics.js in Chromium, on a page of another origin.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

import { Shop } from '../lib/browser.mjs'
import { calls, check } from '../lib/calls.mjs'
import { until } from '../lib/process.mjs'
import { KEY, SLOW_KEY } from '../lib/router.mjs'

const LIBRARY = 'analytics.js'

let shop
const open = async (router) => (shop ??= await Shop.open(router.secureHost))

/** In the page: loads the library and keeps it as `window.client`. */
function load({ writeKey, cdnURL, options }) {
  window.client = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnURL }, options)
  return window.client.ready().then(() => true)
}

/** In the page: makes the calls, one after the other, and returns their ids once they are delivered. */
async function send(list) {
  const sent = []
  for (const call of list) {
    const { client } = window
    const made = {
      identify: () => client.identify(call.userId, call.traits),
      group: () => client.group(call.groupId, call.traits),
      alias: () => client.alias(call.userId, call.previousId),
      page: () => client.page(call.name, call.properties),
      screen: () => client.screen(call.name, call.properties),
      track: () => client.track(call.event, call.properties),
    }
    sent.push(made[call.type]().then((context) => context.event.messageId))
  }
  return Promise.all(sent)
}

/** Tracks with names that occur nowhere else. */
function tracks(count) {
  const run = randomUUID()
  const list = []
  for (let n = 0; n < count; n++) {
    list.push({ type: 'track', event: 'In Browser', properties: { run, n, text: 'Größe 👗' } })
  }
  return { list, fits: (event) => event.properties?.run === run }
}

/** Each of these tracks came out once. */
async function once(router, { list, fits }) {
  const events = await router.arrived(fits, list.length)
  const numbers = events.map((event) => event.properties.n).sort((a, b) => a - b)
  assert.deepEqual(numbers, list.map((call) => call.properties.n))
  return events
}

const posts = (requests) => requests.filter((request) => request.method === 'POST')

export function browsers(test, router) {
  test('browser: default settings, only the CDN pointed at us', async () => {
    const { context, page, requests, failures } = await (await open(router())).visit()
    await page.evaluate(load, { writeKey: KEY, cdnURL: router().url })
    const list = calls('browser').slice(0, 29)
    const ids = await page.evaluate(send, list)
    const events = await router().arrived((event) => ids.includes(event.messageId), list.length)
    assert.equal(events.length, list.length)
    const byId = new Map(events.map((event) => [event.messageId, event]))
    for (const [i, call] of list.entries()) {
      const event = byId.get(ids[i])
      // The library adds what it knows of the page.
      const wanted = { ...call }
      if (call.type === 'page' || call.type === 'screen') {
        for (const [key, value] of Object.entries(call.properties)) {
          if (!['url', 'path'].includes(key)) assert.equal(event.properties[key], value)
        }
        delete wanted.properties
      }
      // null and the half emoji go over the wire as they are.
      check(wanted, event, { library: LIBRARY, device: true })
      assert.ok(event.anonymousId)
      assert.match(event.context.userAgent, /Chrome/)
      assert.equal(event.context.page.title, 'Shöp')
      // A page call may tell another address.
      if (call.type !== 'page') assert.equal(event.context.page.url, `${shop.origin}/`)
    }
    assert.deepEqual(failures, [])
    assert.ok(posts(requests).every((request) => request.status === 200))
    assert.equal(posts(requests).length, list.length, 'nothing was sent twice')
    const order = list.findIndex((call) => call.event === 'Order Completed')
    const conversions = router().accepted().filter((event) => event.event_id === ids[order])
    assert.equal(conversions.length, 1)
    assert.equal(conversions[0].event_source_url, `${shop.origin}/`)
    await context.close()
  })

  test('browser: batching', async () => {
    const { context, page, requests } = await (await open(router())).visit()
    const deliveryStrategy = { strategy: 'batching', config: { size: 10, timeout: 500 } }
    const options = { integrations: { 'Segment.io': { deliveryStrategy } } }
    await page.evaluate(load, { writeKey: KEY, cdnURL: router().url, options })
    const some = tracks(35)
    await page.evaluate(send, some.list)
    await once(router(), some)
    assert.ok(posts(requests).every(({ path, status }) => path === '/v1/b' && status === 200))
    assert.ok(posts(requests).length < some.list.length)
    await context.close()
  })

  test('browser: what is left when the page is left arrives', async () => {
    const { context, page } = await (await open(router())).visit()
    const deliveryStrategy = { strategy: 'batching', config: { size: 100, timeout: 600_000 } }
    const options = { integrations: { 'Segment.io': { deliveryStrategy } } }
    await page.evaluate(load, { writeKey: KEY, cdnURL: router().url, options })
    const some = tracks(7)
    // Not waited for: delivery comes with the page's end.
    await page.evaluate(async (list) => {
      for (const call of list) window.client.track(call.event, call.properties)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }, some.list)
    assert.equal(router().archived().filter(some.fits).length, 0)
    await page.goto(`${shop.origin}/empty`)
    await once(router(), some)
    await context.close()
  })

  test('browser: keepalive for each event', async () => {
    const { context, page } = await (await open(router())).visit()
    const deliveryStrategy = { config: { keepalive: true } }
    const options = { integrations: { 'Segment.io': { deliveryStrategy } } }
    await page.evaluate(load, { writeKey: KEY, cdnURL: router().url, options })
    const some = tracks(3)
    await page.evaluate(async (list) => {
      for (const call of list) window.client.track(call.event, call.properties)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }, some.list)
    await page.goto(`${shop.origin}/empty`)
    await once(router(), some)
    await context.close()
  })

  test('browser: the snippet with our CDN, over HTTPS and HTTP/2', async () => {
    const { context, page, requests, failures } = await (await open(router())).visit('/snippet?ajs_uid=u-query')
    await page.waitForFunction(() => window.analytics?.initialized)
    const protocol = await page.evaluate(
      () => performance.getEntriesByType('resource').find(({ name }) => name.includes('analytics.min.js'))?.nextHopProtocol
    )
    assert.ok(['h2', ''].includes(protocol), protocol)
    const some = tracks(5)
    await page.evaluate(async (list) => {
      window.client = window.analytics
      for (const call of list) await window.client.track(call.event, call.properties)
    }, some.list)
    const events = await once(router(), some)
    assert.ok(events.every((event) => event.userId === 'u-query'))
    assert.deepEqual(failures, [])
    const got = requests.map(({ path }) => path)
    assert.ok(got.includes(`/analytics.js/v1/${KEY}/analytics.min.js`))
    assert.ok(got.some((path) => path.startsWith('/analytics-next/bundles/queryString.bundle.')), got.join(' '))
    assert.ok(got.includes(`/v1/projects/${KEY}/settings`))
    assert.ok(requests.every(({ status }) => status === 200), JSON.stringify(requests))
    const pages = router().archived().filter((event) => event.type === 'page' && event.context.page?.path === '/snippet')
    assert.equal(pages.length, 1, 'the snippet tells of the page')
    await context.close()
  })

  test('browser: its reports on itself are answered', async () => {
    const { context, page, requests } = await (await open(router())).visit()
    await page.evaluate(
      async ({ writeKey, cdn }) => {
        const cdnSettings = await (await fetch(`${cdn}/v1/projects/${writeKey}/settings`)).json()
        Object.assign(cdnSettings.metrics, { sampleRate: 1, flushTimer: 300 })
        // Its default is HTTPS.
        const options = { integrations: { 'Segment.io': { protocol: 'http' } } }
        window.client = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnSettings }, options)
        await window.client.ready()
      },
      { writeKey: KEY, cdn: router().url }
    )
    const some = tracks(2)
    await page.evaluate(send, some.list)
    await once(router(), some)
    const report = await until('a report', () => requests.find(({ path }) => path === '/v1/m'))
    assert.equal(report.status, 200)
    await context.close()
  })

  test('browser: a wrong key loads nothing', async () => {
    const { context, page, requests } = await (await open(router())).visit()
    const failed = await page.evaluate(
      async ({ cdnURL }) => {
        window.client = window.AnalyticsNext.AnalyticsBrowser.load({ writeKey: 'not-the-key', cdnURL })
        return window.client.then(() => false, () => true)
      },
      { cdnURL: router().url }
    )
    assert.ok(failed, 'loading fails')
    assert.deepEqual(requests.map(({ path, status }) => [path, status]), [['/v1/projects/not-the-key/settings', 404]])
    await context.close()
  })

  test('browser: an event over the limit is told and not sent again', async () => {
    const { context, page, requests } = await (await open(router())).visit()
    await page.evaluate(load, { writeKey: KEY, cdnURL: router().url })
    const some = tracks(2)
    await page.evaluate(async ([first, second]) => {
      window.client.track(first.event, { ...first.properties, run: 'too-large', text: 'y'.repeat(40_000) })
      await window.client.track(first.event, first.properties)
      await window.client.track(second.event, second.properties)
    }, some.list)
    await once(router(), some)
    // Longer than its first retry would take.
    await page.waitForTimeout(1500)
    assert.equal(posts(requests).filter(({ status }) => status === 400).length, 1)
    assert.equal(router().archived().filter((event) => event.properties?.run === 'too-large').length, 0)
    await context.close()
  })

  test('browser: 429 is waited out as Retry-After says, and every event arrives once', async () => {
    const { context, page, requests } = await (await open(router())).visit()
    await page.evaluate(load, { writeKey: SLOW_KEY, cdnURL: router().url })
    const some = tracks(1)
    await router().exhaust()
    await page.evaluate(send, some.list)
    await once(router(), some)
    const sent = posts(requests)
    const refused = sent.filter(({ status }) => status === 429)
    assert.ok(refused.length > 0 && refused.every(({ retryAfter }) => retryAfter >= 1))
    const [{ at, retryAfter }] = refused
    const waited = sent.at(-1).at - at
    assert.ok(sent.at(-1).status === 200 && waited >= retryAfter * 1000 - 100, `came again after ${waited} ms`)
    await context.close()
  })
}

browsers.close = async () => shop?.close()
