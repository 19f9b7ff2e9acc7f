#!/usr/bin/env node
// What rows/transform.py, rows/score.py and rows/inspect.py compare with: Polars
// and DuckDB, both with two threads.
//
//   node_peer.cjs MODULES polars|duckdb read TABLE
//   node_peer.cjs MODULES polars|duckdb transform TABLE OUTPUT PARAMETERS
//   node_peer.cjs MODULES polars features TABLE OUTPUT PARAMETERS
//
// MODULES is a folder with node_modules. PARAMETERS is a JSON file of what was
// learned: [{name, fill, mean, scale}]. `features` is what scoring needs of
// Polars: the file is read, the features become float32, and as many predictions
// with two probabilities are written. Prints seconds and CPU seconds; what is
// loaded before the file is opened does not count.
'use strict';
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const THREADS = 2;
process.env.POLARS_MAX_THREADS = String(THREADS);
const [modules, tool, job, table, output, parameters] = process.argv.slice(2);
const load = createRequire(path.join(path.resolve(modules), 'package.json'));
const learned = parameters ? JSON.parse(fs.readFileSync(parameters)) : [];

function polars() {
  const pl = load('nodejs-polars');
  const steps = () =>
    learned.map(({ name, fill, mean, scale }) => pl.col(name).fillNull(pl.lit(fill)).sub(mean).div(scale).alias(name));
  return async () => {
    const rows = pl.readCSV(table);
    if (job === 'read') return;
    if (job === 'transform') {
      rows.select(...steps()).writeCSV(output);
      return;
    }
    const features = rows.select(...steps().map((step) => step.cast(pl.Float32)));
    const some = pl.col(learned[0].name);
    features.select(some.gt(pl.lit(0)).cast(pl.Int64).alias('prediction'), some.alias('probability_0'),
      some.alias('probability_1')).writeCSV(output);
  };
}

async function duckdb() {
  const { DuckDBInstance } = load('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:', { threads: String(THREADS) })).connect();
  const steps = learned.map(({ name, fill, mean, scale }) => `(coalesce("${name}", ${fill}) - ${mean}) / ${scale} AS "${name}"`);
  const sql = job === 'read' ? `CREATE TABLE rows AS SELECT * FROM read_csv('${table}')`
    : `COPY (SELECT ${steps.join(', ')} FROM read_csv('${table}')) TO '${output}' (FORMAT csv, HEADER)`;
  return () => connection.run(sql);
}

(async () => {
  const run = await (tool === 'polars' ? polars() : duckdb());
  const cpu = process.cpuUsage();
  const started = process.hrtime.bigint();
  await run();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  console.log(seconds, (user + system) / 1e6);
  process.exit(0);
})();
