// The calls of the SDKs, and the events expected of them.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'

const UNICODE = {
  cake: 'Käsekuchen 🍰',
  arabic: 'مرحبا بالعالم',
  japanese: '日本語のテスト',
  family: '👩‍👩‍👧‍👦',
  quotes: '"\\/\b\f\n\r\t',
  line: '\u2028\u2029',
  nul: 'a\u0000b',
  // Half an emoji, as cutting strings leaves it.
  cut: 'half \ud83d',
}

/** A sequence of calls that uses everything, with unique ids. */
export function calls(sdk) {
  const user = `user-${sdk}`
  const list = [
    { type: 'identify', userId: user, traits: { email: 'ada.okafor@example.com', address: { city: 'Zürich' }, plan: null } },
    { type: 'group', userId: user, groupId: 'g-1', traits: { name: 'Müller & Söhne', employees: 7 } },
    { type: 'alias', userId: user, previousId: 'before' },
    { type: 'page', userId: user, name: 'Home', properties: { url: 'https://shop.example/?q=ä', path: '/' } },
    { type: 'screen', userId: user, name: 'Start', properties: { width: 390.5 } },
    { type: 'track', userId: user, event: 'Unicode', properties: UNICODE },
    { type: 'track', userId: user, event: 'Deep', properties: { list: [1, [2.5, [true, null, { deep: { deeper: '!' } }]]], big: 9007199254740991 } },
    { type: 'track', userId: user, event: 'Large', properties: { text: 'x'.repeat(31_000) } },
    { type: 'track', userId: user, event: 'Order Completed', properties: { email: 'ada.okafor@example.com', revenue: 25.1, currency: 'EUR', order_id: `o-${sdk}` } },
  ]
  for (let i = 0; i < 120; i++) {
    list.push({ type: 'track', userId: user, event: 'Many', properties: { i } })
  }
  return list.map((call) => ({ ...call, messageId: `${sdk}-${randomUUID()}` }))
}

/** One call that is over the limit of every service. */
export function tooLarge(sdk) {
  const properties = { text: 'y'.repeat(40_000) }
  return { type: 'track', userId: `user-${sdk}`, event: 'Too Large', properties, messageId: `${sdk}-${randomUUID()}` }
}

/** As a server reads it: half an emoji is none. */
export function received(value) {
  if (typeof value === 'string') return value.toWellFormed?.() ?? value.replace(/\ud83d$/, '\ufffd')
  if (Array.isArray(value)) return value.map(received)
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, received(inner)]))
  }
  return value
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/

/** Holds an event that came out against its call. */
export function check(call, event, { library, device = false }) {
  const about = `${call.type} ${call.event ?? ''}`
  for (const field of ['type', 'userId', 'groupId', 'previousId', 'event', 'name', 'properties']) {
    if (call[field] !== undefined) assert.deepEqual(event[field], received(call[field]), `${about}: ${field}`)
  }
  if (call.traits) {
    // RudderStack's Python SDK puts them into the context only.
    const traits = event.traits ?? event.context.traits
    assert.deepEqual(traits, received(call.traits), `${about}: traits`)
  }
  assert.equal(event.writeKey, undefined)
  assert.equal(event.context.library.name, library, about)
  assert.equal(event.channel, device ? 'browser' : 'server', about)
  assert.equal(event.context.ip, device ? '127.0.0.1' : undefined, about)
  for (const field of ['timestamp', 'receivedAt', 'originalTimestamp', 'sentAt']) {
    assert.match(event[field], TIME, `${about}: ${field}`)
  }
  const age = Date.parse(event.receivedAt) - Date.parse(event.timestamp)
  assert.ok(Math.abs(age) < 60_000, `${about}: happened ${age} ms before it was received`)
}
