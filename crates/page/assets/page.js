// What must move on the page: acts, results of forms, updates, the reader's own time. All else is made by the server.

const notice = document.getElementById('notice');
const say = (text, bad) => {
  notice.textContent = text;
  notice.className = bad ? 'bad' : 'said';
};

const ENDED = 'Your session has ended. Reload this page to sign in again.';

/** Fetches a page and returns its document; an answer that is none is an error with its text. */
const page = async (address, request) => {
  const answer = await fetch(address, { credentials: 'same-origin', ...request });
  const text = await answer.text();
  if (answer.status === 401) throw new Error(ENDED);
  if (!(answer.headers.get('Content-Type') ?? '').startsWith('text/html')) throw new Error(text.trim());
  return { found: new DOMParser().parseFromString(text, 'text/html'), address: answer.url };
};

/** Gives each time on the page its local form as a title. */
const localTimes = (root) => {
  for (const time of root.querySelectorAll('time[datetime]')) {
    time.title = new Date(time.dateTime).toLocaleString();
  }
};

/** Puts the parts marked data-live of another document into the places of theirs. */
const update = (found) => {
  for (const part of document.querySelectorAll('[data-live][id]')) {
    const newer = found.getElementById(part.id);
    // A part that the reader works in stays as it is.
    if (!newer || part.contains(document.activeElement) || part.innerHTML === newer.innerHTML) continue;
    part.replaceChildren(...newer.childNodes);
    localTimes(part);
  }
};

/** Replaces the main part of the page. */
const replaceMain = (found) => {
  const main = document.getElementById('main');
  main.replaceChildren(...found.getElementById('main').childNodes);
  localTimes(main);
  // The results of a form, or the field that it could not read.
  (main.querySelector('[data-focus]') ?? main).focus();
};

/** Asks in a dialog; resolves to true if the reader agrees. */
const agreed = (question) => new Promise((resolve) => {
  const dialog = document.createElement('dialog');
  const form = document.createElement('form');
  form.method = 'dialog';
  const asked = document.createElement('p');
  asked.textContent = question;
  asked.id = 'question';
  dialog.setAttribute('aria-labelledby', 'question');
  const button = (value, text) => {
    const made = document.createElement('button');
    made.value = value;
    made.textContent = text;
    return made;
  };
  form.append(asked, button('no', 'Cancel'), button('yes', 'Go on'));
  dialog.append(form);
  dialog.addEventListener('close', () => {
    dialog.remove();
    resolve(dialog.returnValue === 'yes');
  });
  document.body.append(dialog);
  dialog.showModal();
});

/** Makes an object of a form's fields: numbers and checkboxes keep their types, empty fields are left out. */
const body = (form, submitter) => {
  const found = {};
  for (const [name, value] of new FormData(form, submitter)) {
    const field = form.elements.namedItem(name);
    if (value === '') continue;
    if (field?.dataset?.type === 'number') found[name] = Number(value);
    else if (field?.type === 'checkbox') found[name] = true;
    else found[name] = value;
  }
  return found;
};

/** Sends an act. The header proves that no page of another origin sent it. */
const act = async (form, submitter) => {
  const question = submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && !(await agreed(question))) return;
  say('…');
  try {
    const answer = await fetch(submitter?.getAttribute('formaction') ?? form.getAttribute('action'), {
      method: 'POST',
      credentials: 'same-origin',
      headers: { 'Content-Type': 'application/json', 'X-Signalbox': '1' },
      body: JSON.stringify(body(form, submitter)),
    });
    const text = await answer.text();
    let told;
    try { told = JSON.parse(text); } catch { told = {}; }
    if (answer.status === 401) throw new Error(ENDED);
    say(told.message ?? told.error ?? text.trim(), !answer.ok);
    if (answer.ok && told.next) location.assign(told.next);
    else if (answer.ok) replaceMain((await page(location.href)).found);
  } catch (error) {
    say(error.message === ENDED ? ENDED : `The router does not answer: ${error.message}`, true);
  }
};

/** Shows the answer to a form in the place of the main part. */
const show = async (form, submitter) => {
  const question = submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && !(await agreed(question))) return;
  say('…');
  try {
    const { found, address } = await page(form.action, {
      method: 'POST',
      headers: { 'X-Signalbox': '1' },
      body: new URLSearchParams(new FormData(form, submitter)),
    });
    say('');
    // The answer has an address of its own, which can be kept and sent to others.
    if (address !== form.action) return void location.assign(address);
    replaceMain(found);
  } catch (error) {
    say(error.message, true);
  }
};

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.dataset.act === undefined && form.dataset.show === undefined) return;
  event.preventDefault();
  void (form.dataset.act === undefined ? show(form, event.submitter) : act(form, event.submitter));
});

// Views that change have parts marked data-live. The reader can switch that off.
const live = document.getElementById('live');
const KEY = 'signalbox-live';
if (live) {
  live.checked = localStorage.getItem(KEY) !== 'off';
  live.addEventListener('change', () => localStorage.setItem(KEY, live.checked ? 'on' : 'off'));
  setInterval(async () => {
    if (!live.checked || document.hidden || document.querySelector('dialog[open]')) return;
    if (!document.querySelector('[data-live]')) return;
    try {
      update((await page(location.href)).found);
    } catch (error) {
      say(error.message === ENDED ? ENDED : 'The router does not answer; this page is not up to date.', true);
    }
  }, 10_000);
}
localTimes(document);
