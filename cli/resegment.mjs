#!/usr/bin/env node
// Plain JavaScript, so that an older Node gets as far as finding a newer one.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const NEEDED_MAJOR = 24;
const found = process.versions.node;

if (Number(found.split('.')[0]) >= NEEDED_MAJOR) {
  // `resegment … | head` closes the pipe early: that is no failure.
  process.stdout.on('error', (error) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  // Halves the start from the second time on: what was compiled is kept in the system's folder for temporary files.
  const { enableCompileCache } = await import('node:module');
  enableCompileCache();
  const { main } = await import('./main.ts');
  process.exitCode = await main(process.argv.slice(2));
  // What an interrupted command was following would keep this process awake.
  if (process.exitCode === 130) process.exit();
} else {
  const bundled = ['../node_modules/node/bin/node', '../node_modules/node/bin/node.exe', '../../node/bin/node']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (bundled === undefined) {
    const message = `resegment needs Node ${NEEDED_MAJOR} or newer, and this is Node ${found}`;
    const hint = 'run `npm ci` in the project, which brings its own Node, or install Node 24';
    if (process.argv.includes('--json')) {
      console.log(JSON.stringify({ error: { code: 'node-too-old', message, path: null, hint } }));
    } else {
      console.error(`resegment: ${message}\n  ${hint}`);
    }
    process.exitCode = 2;
  } else {
    const child = spawn(bundled, process.argv.slice(1), { stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code, signal) => {
      process.exitCode = signal === 'SIGINT' ? 130 : signal === null ? (code ?? 1) : 1;
    });
  }
}
