// Failures: the question before an act, retry and discard.

import { allWell, reader } from '../lib/browser.mjs'

/** An event that no platform can match with a person. */
const nobody = (n) => ({
  type: 'track', event: 'Signed Up', messageId: `failure-${n}`, anonymousId: 'a', timestamp: new Date().toISOString(), properties: {},
})

export function failures(test, router) {
  test('a group of failures is retried and discarded after a question with their number', async () => {
    await router().send([nobody(1), nobody(2)])
    const group = 'sink=pinterest&reason=no_identifier&mapping=Sign%20Up'
    const kept = async () => (await router().api(`failures?${group}`)).body.letters
    const page = await reader()
    const address = `${router().page}/ui/failures?${group}`
    const wait = async (count) => {
      for (let left = 200; (await kept()) !== count; left -= 1) {
        if (left === 0) throw new Error(`${await kept()} failures are kept, not ${count}`)
        await page.waitForTimeout(50)
      }
    }
    await wait(2)
    await page.goto(address)
    await page.getByRole('button', { name: 'Discard 2 events' }).click()
    await page.getByText('Remove 2 events with no_identifier of sink pinterest for good?').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Retry 2 events' }).click()
    await page.getByText('Deliver 2 events with no_identifier of sink pinterest again?').waitFor()
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('2 events will be delivered again.').waitFor()
    // They fail in the same way, as other dead letters.
    await wait(2)
    await page.goto(address)
    await page.getByRole('button', { name: 'Discard 2 events' }).click()
    await page.getByRole('button', { name: 'Go on' }).click()
    await page.getByText('2 dead letters were removed.').waitFor()
    await page.getByRole('heading', { name: 'No failures' }).waitFor()
    await wait(0)
    allWell(page)
    await page.end()
  })
}
