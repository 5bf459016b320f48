// A Vendure shop as its makers document it: one process, its own default configuration, PostgreSQL. The settings come as
// JSON in SHOP: port, database (of the driver `pg`), products, units. Says {"url", "products"} in one line when it is open.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { bootstrap, dummyPaymentHandler, ProductVariantService, RequestContextService } =
  require('@vendure/core');
const { populate } = require('@vendure/core/cli');

const settings = JSON.parse(process.env.SHOP);

const config = {
  apiOptions: { hostname: '127.0.0.1', port: settings.port, adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
  authOptions: {
    tokenMethod: 'bearer',
    superadminCredentials: { identifier: 'bench', password: 'bench-bench' },
    cookieOptions: { secret: 'bench' },
  },
  dbConnectionOptions: { type: 'postgres', synchronize: true, logging: false, ...settings.database },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
};

const settled = { code: 'dummy-payment-handler', arguments: [{ name: 'automaticSettle', value: 'true' }] };

const initial = {
  defaultLanguage: 'en',
  defaultZone: 'Europe',
  countries: [{ name: 'Germany', code: 'DE', zone: 'Europe' }],
  taxRates: [{ name: 'Standard Tax', percentage: 0 }],
  shippingMethods: [{ name: 'By mail', price: 0 }],
  paymentMethods: [{ name: 'At once', handler: settled }],
  collections: [],
};

// One product for each sale, with so many units, which are tracked.
function products() {
  const head = 'name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory';
  const rows = Array.from({ length: settings.products }, (_, n) =>
    `Sale ${n},sale-${n},,,,,,sale-${n},10.00,Standard,${settings.units},true,,`);
  return [head + ',variantAssets,variantFacets', ...rows].join('\n') + '\n';
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vgcp-peers-'));
  const list = path.join(folder, 'products.csv');
  fs.writeFileSync(list, products());
  const app = await populate(() => bootstrap(config), initial, list);
  fs.rmSync(folder, { recursive: true });
  const context = await app.get(RequestContextService).create({ apiType: 'admin' });
  const { items } = await app.get(ProductVariantService).findAll(context, { take: 1000 });
  process.on('SIGTERM', () => app.close().finally(() => process.exit(0)));
  console.log(JSON.stringify({ url: `http://127.0.0.1:${settings.port}/shop-api`, products: items.map(one => String(one.id)) }));
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
