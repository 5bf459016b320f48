// Sealed delivery in the buyer's browser (DLV-020 to DLV-037): a key pair whose private half cannot be exported, kept
// in this browser's IndexedDB, one for each purchase; and the goods opened with it, here and nowhere else. What is
// sealed is a compact JWE: ECDH-ES on P-256 with A256GCM (RFC 7516, RFC 7518 section 4.6), all of it WebCrypto's.
"use strict";

(() => {
  const subtle = globalThis.crypto && crypto.subtle;
  if (!subtle || !globalThis.indexedDB) return;
  const CURVE = { name: "ECDH", namedCurve: "P-256" };
  const utf8 = new TextEncoder();

  const toText = (bytes) =>
    btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const toBytes = (text) =>
    Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const number = (value) => new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);
  const join = (...parts) => new Uint8Array(parts.flatMap((part) => [...part]));

  // The keys: { kid, purchase, privateKey, publicKey }, by kid.
  const settled = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const open = () => {
    const request = indexedDB.open("sealed-delivery", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("keys", { keyPath: "kid" });
    return settled(request);
  };
  const inStore = async (mode, work) => {
    const db = await open();
    try {
      const transaction = db.transaction("keys", mode);
      const done = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
      const result = await settled(work(transaction.objectStore("keys")));
      await done;
      return result;
    } finally {
      db.close();
    }
  };

  // RFC 7638: the required members in their order.
  const thumbprint = async ({ crv, kty, x, y }) =>
    toText(await subtle.digest("SHA-256", utf8.encode(JSON.stringify({ crv, kty, x, y }))));

  const keyFor = async (purchase) => {
    const known = (await inStore("readonly", (keys) => keys.getAll())).find((key) => key.purchase === purchase);
    if (known) return known.publicKey;
    const pair = await subtle.generateKey(CURVE, false, ["deriveBits"]);
    const { kty, crv, x, y } = await subtle.exportKey("jwk", pair.publicKey);
    const publicKey = { kty, crv, x, y };
    const made = { kid: await thumbprint(publicKey), purchase, privateKey: pair.privateKey, publicKey };
    await inStore("readwrite", (keys) => keys.put(made));
    return publicKey;
  };

  // RFC 7518 section 4.6.2: one round of the Concat KDF is as long as the key.
  const contentKey = async (header, privateKey) => {
    const theirs = await subtle.importKey("jwk", { ...header.epk, key_ops: [], ext: true }, CURVE, true, []);
    const agreed = new Uint8Array(await subtle.deriveBits({ name: "ECDH", public: theirs }, privateKey, 256));
    const words = [utf8.encode(header.enc), toBytes(header.apu || ""), toBytes(header.apv || "")];
    const told = words.flatMap((word) => [...number(word.length), ...word]);
    const raw = await subtle.digest("SHA-256", join(number(1), agreed, told, number(256)));
    return subtle.importKey("raw", raw, "AES-GCM", false, ["decrypt"]);
  };

  // The Goods, or null when the key is not in this browser. Throws when it is and does not open them.
  const unseal = async (compact, orderId, deliveryId) => {
    const [head, wrapped, vector, text, tag] = compact.split(".");
    const header = JSON.parse(new TextDecoder().decode(toBytes(head)));
    const own = await inStore("readonly", (keys) => keys.get(header.kid));
    if (!own) return null;
    if (header.alg !== "ECDH-ES" || header.enc !== "A256GCM" || wrapped) throw new Error("another algorithm");
    if (header.vgcp_order_id !== orderId || header.vgcp_delivery_id !== deliveryId) throw new Error("another delivery");
    const how = { name: "AES-GCM", iv: toBytes(vector), additionalData: utf8.encode(head) };
    const key = await contentKey(header, own.privateKey);
    const clear = await subtle.decrypt(how, key, join(toBytes(text), toBytes(tag)));
    return JSON.parse(new TextDecoder().decode(clear));
  };

  // On the payment form: offer it once the key is there.
  const offer = async (box) => {
    const field = box.querySelector("[name=recipient_key]");
    const choice = box.querySelector("[type=checkbox]");
    field.value = JSON.stringify(await keyFor(box.dataset.seal));
    const choose = () => (field.disabled = !choice.checked);
    choice.addEventListener("change", choose);
    choose();
    box.querySelector("[data-unsealed]").hidden = true;
    box.querySelector("[data-sealable]").hidden = false;
  };

  // On the order page: put the goods where only this page has them.
  const show = async (box) => {
    const part = (name) => box.querySelector(`[data-${name}]`);
    let seen = "broken";
    try {
      const goods = await unseal(box.dataset.jwe, box.dataset.order, box.dataset.delivery);
      const text = goods && { code: "value", licence: "key", download: "url", topup: "receipt" }[goods.kind];
      const value = text && goods[goods.kind][text];
      if (!goods) {
        seen = "keyless";
      } else if (goods.kind === "download" && /^https?:\/\//.test(value)) {
        part("link").href = value;
        part("link").hidden = false;
        seen = "opened";
      } else if (value) {
        part("goods").textContent = value;
        part("text").hidden = false;
        seen = "opened";
      }
    } catch {
      // Changed on the way, or for another delivery: said so below, and never what it holds.
    }
    part("closed").hidden = true;
    part(seen).hidden = false;
  };

  for (const box of document.querySelectorAll("[data-seal]")) offer(box).catch(() => {});
  for (const box of document.querySelectorAll("[data-jwe]")) show(box);
})();
