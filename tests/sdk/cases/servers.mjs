// Server SDKs: everything arrives once, what must not arrive does not, and what is refused comes again.

import assert from 'node:assert/strict'

import { calls, check, tooLarge } from '../lib/calls.mjs'
import { SDKS, drive } from '../lib/drive.mjs'
import { until } from '../lib/process.mjs'
import { recorder } from '../lib/recorder.mjs'
import { KEY, Router, SLOW_KEY } from '../lib/router.mjs'

const of = (list) => {
  const ids = new Set(list.map((call) => call.messageId))
  return (event) => ids.has(event.messageId)
}

/** Every call came out exactly once. */
async function once(router, list) {
  const events = await router.arrived(of(list), list.length)
  assert.equal(events.length, list.length, 'events that arrived')
  const byId = new Map(events.map((event) => [event.messageId, event]))
  assert.equal(byId.size, list.length, 'different ids')
  return list.map((call) => [call, byId.get(call.messageId)])
}

export function servers(test, router) {
  for (const sdk of SDKS) {
    test(`${sdk.title}: every event arrives once, with its fields`, async () => {
      const list = calls(sdk.name)
      const { errors } = await drive(router(), sdk, { writeKey: KEY, calls: list })
      assert.deepEqual(errors, [])
      for (const [call, event] of await once(router(), list)) check(call, event, sdk)
      const order = list.find((call) => call.event === 'Order Completed')
      const conversions = router().accepted().filter((event) => event.event_id === order.messageId)
      assert.equal(conversions.length, 1, 'conversions at Pinterest')
      assert.equal(conversions[0].event_name, 'checkout')
      assert.equal(conversions[0].custom_data.value, '25.1')
    })

    test(`${sdk.title}: an event over the limit is lost alone`, async () => {
      const large = tooLarge(sdk.name)
      const list = calls(sdk.name).slice(-3)
      await drive(router(), sdk, { writeKey: KEY, calls: [list[0], large, ...list.slice(1)] })
      await once(router(), list)
      assert.equal(router().archived().filter(of([large])).length, 0)
    })

    test(`${sdk.title}: a wrong key is told, and nothing arrives`, async () => {
      const refused = async () => (await router().status()).sources.shop.refused.invalid_write_key ?? 0
      const before = await refused()
      const list = calls(sdk.name).slice(-2)
      const { errors } = await drive(router(), sdk, { writeKey: 'not-the-key', calls: list })
      assert.ok(errors.length > 0, 'the SDK tells its user')
      assert.ok((await refused()) >= before + list.length)
      assert.equal(router().archived().filter(of(list)).length, 0)
    })
  }

  for (const sdk of SDKS.filter((sdk) => sdk.waits)) {
    test(`${sdk.title}: 429 is waited out as Retry-After says, and every event arrives once`, async () => {
      const proxy = await recorder(router().url, () => router().exhaust())
      try {
        // One alone: among several at once, the success of another ends the pause in some SDKs.
        const list = calls(sdk.name).slice(-1)
        const job = { writeKey: SLOW_KEY, calls: list, host: proxy.url }
        const { errors } = await drive(router(), sdk, job)
        assert.deepEqual(errors, [])
        await once(router(), list)
        const refused = proxy.requests.filter((request) => request.status === 429)
        assert.ok(refused.length > 0, JSON.stringify(proxy.requests))
        for (const { answered, retryAfter, ids } of refused) {
          assert.ok(retryAfter >= 1 && retryAfter <= 5, `Retry-After: ${retryAfter}`)
          const same = (request) => request.ids.some((id) => ids.includes(id))
          const next = proxy.requests.find((request) => request.at >= answered && same(request))
          const waited = next.at - answered
          assert.ok(waited >= retryAfter * 1000 - 100, `came again after ${waited} of ${retryAfter} s`)
        }
        if (sdk.counts) assert.ok(proxy.requests.some((request) => request.retryCount > 0))
      } finally {
        proxy.close()
      }
    })
  }

  test('a full journal is answered 503, and what the SDKs send again arrives once', async () => {
    const small = await Router.start({ journal: '400kB' })
    try {
      await small.faults({ unavailable: {} })
      // Until there is no room: an event of 10 kB at a time.
      const filler = []
      await until('a full journal', async () => {
        const [call] = calls('filler').slice(-1)
        call.event = 'Order Completed'
        call.properties = { email: 'a@example.com', text: 'z'.repeat(10_000) }
        const headers = { authorization: `Basic ${btoa(`${KEY}:`)}` }
        const answer = await fetch(`${small.url}/v1/track`, { method: 'POST', headers, body: JSON.stringify(call) })
        assert.equal((await answer.json()).success, answer.ok)
        if (answer.ok) filler.push(call)
        else assert.deepEqual([answer.status, answer.headers.get('retry-after') > 0], [503, true])
        return !answer.ok
      })
      const proxy = await recorder(small.url)
      const waiting = SDKS.filter((sdk) => sdk.patient).map((sdk) => {
        const list = calls(sdk.name)
        return { list, driven: drive(small, sdk, { writeKey: KEY, calls: list, host: proxy.url }) }
      })
      // Whatever happens here, none of them is forgotten.
      const all = Promise.allSettled(waiting.map(({ driven }) => driven))
      await until('refusals', () => proxy.requests.filter((request) => request.status === 503).length >= 2)
      await small.faults({})
      await all
      for (const { list, driven } of waiting) {
        assert.deepEqual((await driven).errors, [])
        await once(small, list)
      }
      proxy.close()
      await once(small, filler)
    } finally {
      await small.stop()
    }
  })
}
