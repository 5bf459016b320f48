#!/usr/bin/env node
// A VGCP channel in one file: Node.js 18 or newer, no dependencies, everything in memory.
// Written from the standard's text and documents alone.
//
//   node channel.mjs --port 8081 --test-secret s3cret
//
// A `Shop` is the channel pointed at one gateway; test_reset makes a new one and closes the old.

import { createHmac, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const API = '/vgcp/v1';
const BODY_LIMIT = 256 * 1024;
const TRIES = 6; // of one request, before the channel gives up or goes on in the background
const FIRST_PAUSE = 200; // ms; each later one is twice as long
const LONGEST_WAIT = 10_000; // ms of Retry-After that a buyer is kept waiting
const ANSWER_WITHIN = 5_000; // ms
const CHECKOUT_TIME = 600; // seconds that a buyer may take to pay
const SIGNATURE_WINDOW = 300; // seconds
const SYNC_EVERY = 30_000; // ms

const { values: options } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '8081' },
    'test-secret': { type: 'string', default: process.env.VGCP_TEST_SECRET ?? '' },
  },
});
const testSecret = options['test-secret'];

// code: [status, title, may the same request succeed later]
const PROBLEMS = {
  malformed: [400, 'No JSON came in'],
  signature_missing: [401, 'Sign your events'],
  signature_invalid: [401, 'Your signature is not right'],
  signature_expired: [401, 'Your signature is too old, or from the future'],
  test_secret_invalid: [401, 'Wrong test secret'],
  not_found: [404, 'We have no such thing'],
  method_not_allowed: [405, 'This cannot be done here'],
  body_too_large: [413, 'That is too much'],
  media_type_unsupported: [415, 'JSON, please'],
  invalid: [422, 'Some of it is missing or wrong'],
  internal: [500, 'The shop has a fault', true],
  unavailable: [503, 'The shop cannot do that now', true],
};

class Problem extends Error {
  constructor(code, more = {}, headers = {}) {
    super(code);
    Object.assign(this, { code, more, headers });
  }
}

const invalid = (pointer, detail) => new Problem('invalid', { errors: [{ pointer, in: 'body', detail }] });
const sleep = (ms) => new Promise((wake) => setTimeout(wake, ms));
const hex = (bytes) => randomBytes(bytes).toString('hex');
const newTrace = () => hex(16);
const step = (trace) => ({ traceparent: `00-${trace}-${hex(8)}-01` });
const same = (a, b) => a.length === b.length && timingSafeEqual(a, b);

// ------------------------------------------------------------------ the gateway, as a client sees it

class Refusal extends Error {
  /** The gateway's answer to a request that did not work; `code` is "" when there was none. */
  constructor(status, code, retryable, wait = 0) {
    super(code || 'no answer');
    Object.assign(this, { status, code, retryable, wait });
  }

  /** Whether the request may have taken effect all the same. */
  get unsure() {
    return this.code === '' || this.status >= 500;
  }
}

class Gateway {
  constructor(connection, clock) {
    Object.assign(this, { connection, clock, token: null, left: new AbortController() });
  }

  /** One HTTP exchange: the body of a 2xx answer; anything else is thrown. */
  async exchange(url, init) {
    let answer, body;
    try {
      const signal = AbortSignal.any
        ? AbortSignal.any([this.left.signal, AbortSignal.timeout(ANSWER_WITHIN)])
        : AbortSignal.timeout(ANSWER_WITHIN);
      answer = await fetch(url, { redirect: 'manual', signal, ...init });
      body = await answer.text();
    } catch {
      throw new Refusal(0, '', true);
    }
    let document = {};
    try {
      document = body ? JSON.parse(body) : {};
    } catch {
      throw new Refusal(answer.status, '', answer.status >= 500);
    }
    if (answer.ok) return document;
    const after = answer.headers.get('retry-after') ?? '0';
    const wait = /^\d+$/.test(after) ? Number(after) * 1000 : Math.max(0, Date.parse(after) - Date.now()) || 0;
    throw new Refusal(answer.status, document.code ?? '', document.retryable === true, wait);
  }

  /** An access token; the same one until shortly before it expires. */
  async authorization(trace) {
    if (!this.token || this.token.until < this.clock()) {
      const token = { until: Infinity };
      this.token = token;
      token.fetched = this.fetchToken(token, trace).catch((refusal) => {
        if (this.token === token) this.token = null;
        throw refusal;
      });
    }
    return this.token.fetched;
  }

  async fetchToken(token, trace) {
    const { url, client_id, client_secret } = this.connection;
    const found = await patiently(this, () => this.exchange(`${url}/.well-known/vgcp`, { headers: step(trace) }));
    this.base = found.endpoints.api;
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret });
    const request = () => this.exchange(found.endpoints.token, { method: 'POST', headers: step(trace), body: form });
    const given = await patiently(this, request);
    const life = given.expires_in * 1000;
    token.until = this.clock() + life - Math.min(30_000, life / 5);
    return `Bearer ${given.access_token}`;
  }

  /** Ask for something: with patience, a trace, and for a POST the key of the intent. */
  async ask(method, path, trace, { body, key } = {}) {
    let renewed = false;
    return patiently(this, async () => {
      for (;;) {
        const headers = { authorization: await this.authorization(trace), ...step(trace) };
        if (key) headers['idempotency-key'] = key;
        if (body) headers['content-type'] = 'application/json';
        const used = this.token;
        try {
          return await this.exchange(this.base + path, { method, headers, body: body && JSON.stringify(body) });
        } catch (refusal) {
          if (refusal.status !== 401 || renewed) throw refusal;
          renewed = true;
          if (this.token === used) this.token = null;
        }
      }
    });
  }

  /** All items from a cursor on, page by page; `take` gets each item, and the last cursor comes back. */
  async pages(path, cursor, trace, take) {
    for (;;) {
      const query = cursor ? `?limit=200&cursor=${encodeURIComponent(cursor)}` : '?limit=200';
      const page = await this.ask('GET', path + query, trace);
      page.items.forEach(take);
      cursor = page.next_cursor ?? cursor;
      if (!page.has_more) return cursor;
    }
  }
}

/** Try, and try again what may work later: never before Retry-After, with growing pauses, so many times. */
async function patiently(gateway, attempt) {
  for (let n = 1; ; n += 1) {
    try {
      return await attempt();
    } catch (refusal) {
      if (!(refusal instanceof Refusal) || !refusal.retryable || n === TRIES) throw refusal;
      if (refusal.wait > LONGEST_WAIT) throw refusal;
      await sleep(Math.max(refusal.wait, FIRST_PAUSE * 2 ** (n - 1)));
      if (gateway.left.signal.aborted) throw refusal;
    }
  }
}

// ------------------------------------------------------------------ the shop

class Shop {
  constructor(connection) {
    this.ahead = 0; // ms that test control has advanced the clock by
    this.now = () => Date.now() + this.ahead;
    this.connection = connection;
    this.gateway = connection && new Gateway(connection, this.now);
    this.offers = new Map(); // what is offered to us, by id
    this.revisions = new Map(); // the highest one seen, by subject
    this.seenEvents = new Set();
    this.cursors = { offers: undefined, events: undefined };
    this.purchases = new Map(); // by intent
    this.lines = [];
    this.syncing = Promise.resolve();
  }

  close() {
    this.gateway?.left.abort();
  }

  log(line) {
    this.lines.push(`${new Date(this.now()).toISOString()} ${line}`);
    if (this.lines.length > 5000) this.lines.shift();
    console.error(line);
  }

  // -- what the gateway tells

  /** Read both feeds to their ends. One at a time. */
  sync() {
    const next = this.syncing.catch(() => {}).then(() => this.pull());
    this.syncing = next;
    return next;
  }

  async pull() {
    if (!this.gateway) throw new Refusal(0, '', false);
    for (const [feed, take] of [
      ['offers', (entry) => this.takeEntry(entry)],
      ['events', (event) => this.takeEvent(event)],
    ]) {
      const read = () => this.gateway.pages(`/${feed}`, this.cursors[feed], newTrace(), take);
      try {
        this.cursors[feed] = await read();
      } catch (refusal) {
        if (refusal.code !== 'cursor_invalid') throw refusal;
        this.cursors[feed] = undefined; // the gateway has lost its place: start again
        this.cursors[feed] = await read();
      }
    }
  }

  /** Whether this revision of a subject is not older than what is known; notes it. */
  isNews(subject, revision) {
    if (revision < (this.revisions.get(subject) ?? 0)) return false;
    this.revisions.set(subject, revision);
    return true;
  }

  takeEntry({ offer_id, revision, deleted, offer }) {
    if (!this.isNews(offer_id, revision)) return;
    if (deleted) this.offers.delete(offer_id);
    else this.offers.set(offer_id, offer);
  }

  takeEvent({ id, type, subject, revision, data }) {
    if (this.seenEvents.has(id)) return;
    this.seenEvents.add(id);
    const act = {
      'offer.updated': () => this.offers.set(subject, data.offer),
      'availability.changed': () => this.offers.set(subject, data.offer),
      'offer.withdrawn': () => this.offers.delete(subject),
      'order.updated': () => this.takeOrder(data.order),
    }[type];
    if (act && this.isNews(subject, revision)) act();
    this.log(`event ${id}: ${type} of ${subject}`);
  }

  takeOrder(order) {
    for (const purchase of this.purchases.values()) {
      if (purchase.order?.id === order.id && order.revision >= purchase.order.revision) purchase.order = order;
    }
  }

  // -- what buyers see and do

  shelf() {
    return [...this.offers.values()]
      .filter((offer) => offer.status !== 'withdrawn')
      .map((offer) => ({
        buyable: offer.availability.status !== 'out_of_stock',
        price: offer.price,
        name: offer.product.name,
        offer_id: offer.id,
      }));
  }

  /** The button. However often it is pressed, one intent is one purchase. */
  async press(wish) {
    let purchase = this.purchases.get(wish.intent_id);
    if (!purchase) {
      const own = { trace: newTrace(), reference: `n-${hex(10)}`, keys: {}, goods: new Map(), outcome: 'pending' };
      purchase = { ...own, wish: { ...wish, pay: false, reveal: false } };
      this.purchases.set(wish.intent_id, purchase);
    }
    purchase.wish.pay ||= wish.pay ?? true;
    purchase.wish.reveal ||= wish.reveal ?? true;
    await this.advance(purchase);
    return purchase;
  }

  /** Take a purchase as far as it goes; whoever comes meanwhile waits for the same. */
  advance(purchase) {
    purchase.running ??= this.steps(purchase)
      .catch((error) => this.stumble(purchase, error))
      .finally(() => (purchase.running = null));
    return purchase.running;
  }

  async steps(purchase) {
    if (purchase.outcome === 'refused' || purchase.outcome === 'failed') return;
    if (!purchase.hold && !purchase.order) await this.hold(purchase);
    if (!purchase.order && purchase.wish.pay) await this.order(purchase);
    if (purchase.order) await this.handOver(purchase);
  }

  stumble(purchase, error) {
    if (!(error instanceof Refusal)) throw error;
    this.log(`purchase ${purchase.reference} waits: ${error.message}`);
  }

  end(purchase, outcome, reason) {
    Object.assign(purchase, { outcome, reason });
    this.log(`purchase ${purchase.reference} is ${outcome}: ${reason}`);
  }

  /** Why the buyer cannot have it, as far as the shop knows itself. */
  objection({ offer_id, quantity, region, buyer_input, recipient_key }) {
    const offer = this.offers.get(offer_id);
    if (!offer || offer.status === 'withdrawn') return 'not_on_sale';
    if (offer.availability.status === 'out_of_stock') return 'out_of_stock';
    const { regions, max_per_order } = offer.restrictions ?? {};
    if (regions && !regions.includes(region)) return 'region_not_allowed';
    if (quantity > (max_per_order ?? quantity)) return 'quantity_not_allowed';
    if ((offer.buyer_input?.required ?? []).some((name) => !(name in (buyer_input ?? {})))) return 'buyer_input_needed';
    return recipient_key ? 'sealing_not_supported' : undefined;
  }

  async hold(purchase) {
    const { wish, trace, reference } = purchase;
    const objection = this.objection(wish);
    if (objection) return this.end(purchase, 'refused', objection);
    purchase.shown = this.offers.get(wish.offer_id).price;
    purchase.buyer = { reference: wish.buyer_reference, ...(wish.region && { region: wish.region }) };
    const { offer_id, quantity } = wish;
    const body = { buyer: purchase.buyer, reference, offer_id, quantity, ttl_seconds: CHECKOUT_TIME };
    purchase.keys.hold ??= randomUUID();
    try {
      purchase.hold = await this.gateway.ask('POST', '/reservations', trace, { body, key: purchase.keys.hold });
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      this.end(purchase, refusal.retryable ? 'failed' : 'refused', refusal.code || 'unavailable');
      if (refusal.unsure) this.forgetHold(purchase).catch((error) => this.log(`a hold is left to expire: ${error.message}`));
      return;
    }
    const { amount, currency } = purchase.hold.unit_price;
    if (currency !== purchase.shown.currency || amount > purchase.shown.amount) {
      this.end(purchase, 'refused', 'price_has_risen');
      return this.release(purchase);
    }
    purchase.total = { currency, amount: amount * quantity };
    purchase.payBy = this.now() + CHECKOUT_TIME * 1000;
  }

  /** Nobody knows whether this hold was made: find it, and give it back. */
  async forgetHold(purchase) {
    const query = `?reference=${encodeURIComponent(purchase.reference)}`;
    const { items } = await this.gateway.ask('GET', `/reservations${query}`, purchase.trace);
    for (const hold of items) await this.release({ ...purchase, hold });
  }

  async release({ hold, trace }) {
    if (hold) await this.gateway.ask('DELETE', `/reservations/${hold.id}`, trace);
  }

  /** The buyer pays, and the order goes out. Without an answer it is looked for, and sent again with its key. */
  async order(purchase) {
    if (purchase.outcome !== 'pending' || !purchase.hold) return;
    const { hold, wish, trace, reference } = purchase;
    const line = { reservation_id: hold.id, unit_price: hold.unit_price, quantity: wish.quantity, offer_id: wish.offer_id };
    if (wish.buyer_input) line.buyer_input = wish.buyer_input;
    const payment = { method: 'card', status: 'collected' };
    const body = { payment, lines: [line], buyer: purchase.buyer, reference };
    purchase.keys.order ??= randomUUID();
    try {
      purchase.order = await this.gateway.ask('POST', '/orders', trace, { body, key: purchase.keys.order });
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal;
      if (refusal.unsure || refusal.retryable || refusal.code === 'reference_in_use') {
        purchase.order = await this.findOrder(purchase);
        if (!purchase.order) this.again(purchase);
        return;
      }
      this.end(purchase, 'refused', refusal.code);
      await this.release(purchase);
    }
  }

  async findOrder({ reference, trace }) {
    const page = await this.gateway.ask('GET', `/orders?reference=${encodeURIComponent(reference)}`, trace);
    return page.items[0];
  }

  /** Come back to an undecided purchase, ever later; in the end nothing was sold. */
  again(purchase) {
    purchase.laps = (purchase.laps ?? 0) + 1;
    if (purchase.laps > 8) {
      this.end(purchase, 'failed', 'unavailable');
      return;
    }
    const timer = setTimeout(() => {
      if (!this.gateway.left.signal.aborted) this.advance(purchase);
    }, 1000 * 2 ** purchase.laps);
    timer.unref();
  }

  /** Give the buyer what the order has become. */
  async handOver(purchase) {
    const { trace } = purchase;
    if (['paid', 'fulfilling', 'created', 'payment_required'].includes(purchase.order.status)) {
      purchase.order = await this.gateway.ask('GET', `/orders/${purchase.order.id}`, trace);
    }
    const { id, status, total } = purchase.order;
    purchase.total = total;
    if (['cancelled', 'expired', 'rejected', 'fulfilment_failed', 'refunded'].includes(status)) {
      this.end(purchase, 'failed', `order_${status}`); // the buyer's money goes back, as the order's refunds say
    }
    if (!['fulfilled', 'partially_refunded', 'closed', 'disputed'].includes(status)) return;
    if (purchase.wish.reveal) {
      const parcels = [];
      await this.gateway.pages(`/orders/${id}/deliveries`, undefined, trace, (parcel) => parcels.push(parcel));
      for (const parcel of parcels.filter((one) => one.status !== 'voided' && !purchase.goods.has(one.id))) {
        const key = (purchase.keys[parcel.id] ??= randomUUID());
        const { goods } = await this.gateway.ask('POST', `/deliveries/${parcel.id}/reveal`, trace, { key });
        const { value, receipt, url, key: licence } = goods[goods.kind] ?? {};
        purchase.goods.set(parcel.id, value ?? licence ?? url ?? receipt ?? '');
      }
    }
    if (purchase.outcome !== 'fulfilled') this.log(`purchase ${purchase.reference} is fulfilled`);
    purchase.outcome = 'fulfilled';
  }

  /** What the buyer sees now. */
  async look(intent) {
    const purchase = this.purchases.get(intent);
    if (!purchase) throw new Problem('not_found');
    if (purchase.order && purchase.outcome === 'pending') await this.advance(purchase);
    return this.view(purchase);
  }

  view({ wish, outcome, order, total, goods, reason }) {
    const seen = { outcome, intent_id: wish.intent_id };
    if (goods.size) seen.goods_shown = [...goods.values()];
    if (reason) seen.reason = reason;
    if (total) seen.total = total;
    if (order) seen.order_id = order.id;
    return seen;
  }

  /** The clock has moved: whoever has not paid in time loses the hold. */
  async settle() {
    for (const purchase of this.purchases.values()) {
      if (purchase.outcome === 'pending' && !purchase.keys.order && purchase.payBy <= this.now()) {
        this.end(purchase, 'refused', 'not_paid_in_time');
        await this.release(purchase).catch((error) => this.log(`a hold is left to expire: ${error.message}`));
      }
    }
  }
}

let shop = new Shop(null);
setInterval(() => shop.gateway && shop.sync().catch((error) => shop.log(`not in sync: ${error.message}`)), SYNC_EVERY).unref();
setInterval(() => shop.settle(), 1000).unref();

// ------------------------------------------------------------------ what the channel serves

/** Standard Webhooks: HMAC-SHA256 over id, time and the raw body; one good signature is enough. */
function verify(headers, raw) {
  const { 'webhook-id': id, 'webhook-timestamp': sent, 'webhook-signature': signatures } = headers;
  if (!id || !sent || !signatures) throw new Problem('signature_missing');
  const secret = Buffer.from((shop.connection?.webhook_secret ?? '').replace(/^whsec_/, ''), 'base64');
  const right = createHmac('sha256', secret).update(`${id}.${sent}.`).update(raw).digest();
  const holds = signatures.split(' ').some((one) => {
    const [version, seal] = one.split(',');
    return version === 'v1' && seal && same(Buffer.from(seal, 'base64'), right);
  });
  if (!holds || !secret.length || !/^\d{1,15}$/.test(sent)) throw new Problem('signature_invalid');
  if (Math.abs(Date.now() / 1000 - Number(sent)) > SIGNATURE_WINDOW) throw new Problem('signature_expired');
}

// Shapes of members: a name with ? may be left out.
const word = (most) => (x) => typeof x === 'string' && x.length > 0 && x.length <= most;
const reference = (x) => typeof x === 'string' && /^[!-~]{1,128}$/.test(x);
const subjectId = (x) => typeof x === 'string' && /^[a-z]{2,8}_[0-9A-Za-z_-]{1,64}$/.test(x);
const whole = (least, most) => (x) => Number.isInteger(x) && x >= least && x <= most;
const object = (x) => typeof x === 'object' && x !== null && !Array.isArray(x);
const flag = (x) => typeof x === 'boolean';
const EVENT = { id: subjectId, type: word(64), subject: subjectId, revision: whole(1, 2 ** 53), occurred_at: word(40), traceparent: word(512), data: object };
const CONNECTION = { url: word(2048), client_id: word(128), client_secret: word(256), webhook_secret: word(256) };
const PURCHASE = {
  intent_id: reference, offer_id: subjectId, quantity: whole(1, 1000), buyer_reference: reference,
  'region?': (x) => /^[A-Z]{2}$/.test(x), 'buyer_input?': object, 'recipient_key?': object, 'pay?': flag, 'reveal?': flag,
};

function fits(shape, body, at = '') {
  if (!object(body)) throw invalid(at, 'must be an object');
  for (const [name, holds] of Object.entries(shape)) {
    const member = name.replace('?', '');
    if (body[member] === undefined ? member === name : !holds(body[member])) {
      throw invalid(`${at}/${member}`, 'is missing or wrong');
    }
  }
  return body;
}

// Each takes {body, raw, headers, path} and gives what is answered; nothing is 204.
const ROUTES = {
  'GET /.well-known/vgcp': ({ headers }) => {
    const origin = `http://${headers.host}`;
    return {
      versions: ['1.0'],
      role: 'channel',
      protocol: 'vgcp',
      name: 'The little node shop',
      implementation: { version: '1', name: 'channel-node' },
      sandbox: Boolean(testSecret),
      signature_scheme: 'standard_webhooks',
      profiles: ['core'],
      capabilities: ['events', ...(testSecret ? ['test_control'] : [])].map((name) => ({ revision: 1, name })),
      endpoints: { events: `${origin}${API}/events`, api: origin + API },
    };
  },
  [`POST ${API}/events`]: ({ body, raw, headers }) => {
    verify(headers, raw);
    shop.takeEvent(fits(EVENT, body()));
  },
  [`POST ${API}/test/reset`]: ({ body }) => {
    const { gateway } = fits({ 'gateway?': object }, body());
    if (gateway) fits(CONNECTION, gateway, '/gateway');
    shop.close();
    shop = new Shop(gateway ?? shop.connection);
  },
  [`POST ${API}/test/sync`]: () => shop.sync(),
  [`GET ${API}/test/shelf`]: () => ({ items: shop.shelf() }),
  [`POST ${API}/test/purchases`]: async ({ body }) => {
    if (!shop.gateway) throw new Problem('unavailable', {}, { 'retry-after': '5' });
    return shop.view(await shop.press(fits(PURCHASE, body())));
  },
  [`GET ${API}/test/purchases/{intent}`]: ({ path }) => shop.look(path),
  [`POST ${API}/test/clock`]: async ({ body }) => {
    shop.ahead += fits({ advance_seconds: whole(0, 31_536_000) }, body()).advance_seconds * 1000;
    await shop.settle();
    return { now: new Date(shop.now()).toISOString() };
  },
  [`GET ${API}/test/log`]: () => ({ lines: shop.lines }),
};

/** The route's key of a request, with the last step of a purchase's path apart. */
function route(method, pathname) {
  const purchase = pathname.match(/^\/vgcp\/v1\/test\/purchases\/([^/]{1,384})$/);
  const pattern = purchase ? `${API}/test/purchases/{intent}` : pathname;
  const methods = Object.keys(ROUTES).map((key) => key.split(' ')).filter(([, path]) => path === pattern).map(([m]) => m);
  if (!methods.length || (!testSecret && pattern.startsWith(`${API}/test/`))) throw new Problem('not_found');
  if (!methods.includes(method)) throw new Problem('method_not_allowed', {}, { allow: methods.join(', ') });
  return { run: ROUTES[`${method} ${pattern}`], path: purchase ? decodeURIComponent(purchase[1]) : pattern };
}

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new Problem('body_too_large', {}, { connection: 'close' });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** The body as JSON. Asked for by a route when it is time: an event is verified first. */
function parse(headers, raw) {
  if (!/^application\/json *(;|$)/i.test(headers['content-type'] ?? '')) throw new Problem('media_type_unsupported');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw));
  } catch {
    throw new Problem('malformed');
  }
}

async function serve(request) {
  const { pathname } = new URL(request.url, 'http://here');
  const { run, path } = route(request.method, pathname);
  const { headers } = request;
  if (pathname.startsWith(`${API}/test/`)) {
    if (!same(Buffer.from(headers['vgcp-test-secret'] ?? ''), Buffer.from(testSecret))) throw new Problem('test_secret_invalid');
  }
  const raw = await read(request);
  return run({ raw, headers, path, body: () => parse(headers, raw) });
}

/** A problem document (RFC 9457) of whatever was thrown. */
function problemOf(error, trace) {
  const known = error instanceof Problem ? error : new Problem(error instanceof Refusal ? 'unavailable' : 'internal');
  if (!(error instanceof Problem)) shop.log(`not served: ${error.stack ?? error}`);
  const [status, title, retryable = false] = PROBLEMS[known.code];
  const headers = { ...(status === 503 && { 'retry-after': '1' }), ...known.headers };
  const document = { ...known.more, trace_id: trace, retryable, code: known.code, status, title, type: `urn:vgcp:problem:${known.code}` };
  return { status, headers: { 'content-type': 'application/problem+json', ...headers }, document };
}

const server = createServer(async (request, response) => {
  const [, caller] = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/.exec(request.headers.traceparent ?? '') ?? [];
  const trace = caller ?? newTrace();
  let status = 204, headers = {}, document;
  try {
    document = await serve(request);
    if (document !== undefined) [status, headers] = [200, { 'content-type': 'application/json' }];
  } catch (error) {
    ({ status, headers, document } = problemOf(error, trace));
  }
  response.writeHead(status, { ...headers, ...step(trace), 'vgcp-request-id': randomUUID() });
  response.end(document === undefined ? undefined : JSON.stringify(document));
});

server.listen(Number(options.port), options.host, () => {
  console.log(`channel: http://${options.host}:${server.address().port}`);
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
