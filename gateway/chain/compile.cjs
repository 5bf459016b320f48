// Compiles Collectible.sol into Collectible.json (ABI and bytecode):
//   npm install --no-save solc@0.8.37 && node gateway/chain/compile.cjs
const fs = require("fs");
const path = require("path");
const solc = require(require.resolve("solc", { paths: [process.cwd(), __dirname] }));

const name = "Collectible";
const content = fs.readFileSync(path.join(__dirname, `${name}.sol`), "utf8");
const settings = {
  evmVersion: "paris", // runs on every chain, also on those without PUSH0
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false }, // the same bytes wherever it is compiled
  outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
};
const input = { language: "Solidity", sources: { [`${name}.sol`]: { content } }, settings };
const output = JSON.parse(solc.compile(JSON.stringify(input)));
for (const error of output.errors || []) console.error(error.formattedMessage);
const made = output.contracts[`${name}.sol`][name];
const kept = { compiler: solc.version(), licence: "MIT", abi: made.abi, bytecode: `0x${made.evm.bytecode.object}` };
fs.writeFileSync(path.join(__dirname, `${name}.json`), `${JSON.stringify(kept)}\n`);
