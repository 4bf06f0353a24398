// Quality: its numbers lead to the records behind them.

import { allWell, reader } from '../lib/browser.mjs'
import { order } from '../lib/router.mjs'

export function quality(test, router) {
  test('the records without a parameter are behind their number', async () => {
    const incomplete = order(20)
    delete incomplete.properties.order_id
    await router().send([incomplete])
    const page = await reader()
    const without = async () => {
      const { body } = await router().api('quality?sink=pinterest')
      const checkout = body.sinks[0].events.find((event) => event.event_name === 'checkout')
      return checkout.records - checkout.parameters.find(({ name }) => name === 'order_id').records
    }
    for (let left = 200; (await without()) !== 1; left -= 1) {
      if (left === 0) throw new Error(`${await without()} records have no order id, not 1`)
      await page.waitForTimeout(50)
    }
    await page.goto(`${router().page}/ui/quality?sink=pinterest`)
    const parameters = page.getByRole('region', { name: 'Parameters of checkout' })
    const row = parameters.getByRole('row', { name: 'order id' })
    const carried = Number(await row.getByRole('link').first().innerText())
    await row.getByRole('link', { name: '1', exact: true }).click()
    await page.waitForURL('**without_parameter=order_id**')
    const found = page.getByRole('region', { name: 'Latest records' }).locator('tbody tr')
    if (await found.count() !== 1) throw new Error(`${await found.count()} records are behind the number 1`)
    await found.getByRole('link').click()
    const sink = page.getByRole('region', { name: 'Sink pinterest' })
    await sink.getByText('value, currency, contents, event_id, source_url').waitFor()
    // The others are behind the number of those that carry it.
    await page.goto(`${router().page}/ui/quality?sink=pinterest`)
    await row.getByRole('link').first().click()
    await page.waitForURL('**&parameter=order_id**')
    if (await found.count() !== carried) throw new Error(`${await found.count()} records are behind the number ${carried}`)
    allWell(page)
    await page.end()
  })
}
