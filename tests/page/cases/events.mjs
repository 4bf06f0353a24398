// The events: found by each of their ids, one event's page, and sending it again.

import { allWell, reader } from '../lib/browser.mjs'

export function events(test, router) {
  const IDS = [
    ['Order id', 'A-3', 'order_id=A-3'],
    ['messageId', 'page-order-3', 'message_id=page-order-3'],
    ['Event id at the platform', 'page-order-3', 'event_id=page-order-3'],
  ]
  test('events are found by each id', async () => {
    const page = await reader()
    for (const [label, value, query] of IDS) {
      await page.goto(`${router().page}/ui/events`)
      const form = page.locator('form', { has: page.getByLabel(label, { exact: true }) })
      await form.getByLabel(label, { exact: true }).fill(value)
      await form.getByRole('button', { name: 'Find' }).click()
      await page.waitForURL(`**/ui/events?${query}`)
      await page.getByRole('heading', { name: '1 event found' }).waitFor()
    }
    const people = [['email', 'Buyer3@shop.example'], ['phone', '+49 30 5550110'], ['user_id', 'page-user-3']]
    for (const [kind, value] of people) {
      await page.goto(`${router().page}/ui/events`)
      await page.getByLabel('Person by').selectOption(kind)
      const form = page.locator('form', { has: page.getByLabel('Person by') })
      await form.getByLabel('Value').fill(value)
      await form.getByRole('button', { name: 'Find' }).click()
      await page.waitForURL('**/ui/events?person=id%3A*')
      await page.locator('a[href="/ui/event?message_id=page-order-3"]').first().waitFor()
      if ((await page.content()).includes(value)) throw new Error(`the page shows the ${kind}`)
    }
    // An order id that is an address is a hash in the address of the page.
    await page.goto(`${router().page}/ui/events`)
    const orders = page.locator('form', { has: page.getByLabel('Order id', { exact: true }) })
    await orders.getByLabel('Order id', { exact: true }).fill('nobody@shop.example')
    await orders.getByRole('button', { name: 'Find' }).click()
    await page.waitForURL('**/ui/events?order_id=id%3A*')
    if ((await page.content()).includes('nobody@shop')) throw new Error('the page shows the order id')
    allWell(page)
    await page.end()
  })

  test('a search for what is no address is told', async () => {
    const page = await reader()
    await page.goto(`${router().page}/ui/events`)
    const form = page.locator('form', { has: page.getByLabel('Person by') })
    await form.getByLabel('Value').fill('nobody')
    await form.getByRole('button', { name: 'Find' }).click()
    await page.locator('#notice.bad').waitFor()
    await page.end()
  })

  test('conditions choose records, and a row leads to its event', async () => {
    const page = await reader()
    await page.goto(`${router().page}/ui/events`)
    const form = page.getByRole('form', { name: 'Choose records' })
    await form.getByLabel('Outcome').selectOption('filtered')
    await form.getByLabel('Event name').fill('Help <b>Opened</b>')
    await form.getByRole('button', { name: 'Show' }).click()
    await page.waitForURL('**outcome=filtered**')
    await page.getByRole('link', { name: 'Help <b>Opened</b>' }).first().click()
    await page.getByRole('heading', { level: 1, name: 'Help <b>Opened</b>' }).waitFor()
    await page.getByText('Not meant for this sink: ').first().waitFor()
    allWell(page)
    await page.end()
  })

  test('an event shows what was sent, and goes out again after a confirmation', async () => {
    const page = await reader()
    await page.goto(`${router().page}/ui/event?message_id=page-order-4`)
    const sink = page.getByRole('region', { name: 'Sink pinterest' })
    await sink.getByText('This is what was sent.').click()
    await sink.getByRole('cell', { name: 'checkout' }).first().waitFor()
    const shown = await page.content()
    for (const value of ['buyer4@', '203.0.113.9', 'page-user-4']) {
      if (shown.includes(value)) throw new Error(`the page shows ${value}`)
    }
    await sink.getByRole('button', { name: 'Send again to pinterest' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Go on' }).click()
    await page.getByText('1 sink will send it again').waitFor()
    await page.getByText('Delivered at the first attempt.').first().waitFor()
    allWell(page)
    await page.end()
  })
}
