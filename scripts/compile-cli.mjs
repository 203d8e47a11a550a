#!/usr/bin/env node
// Writes V8's compiled form of the CLI's bundle: runs it once against a stand-in for the daemon, so that what a run needs
// is compiled, and asks V8 for the result. usage: scripts/compile-cli.mjs DIST
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import vm from 'node:vm';
import { WebSocketServer } from 'ws';

const dist = path.resolve(process.argv[2]);
const file = path.join(dist, 'cli.cjs');
const build = readFileSync(path.join(dist, 'build-id'), 'utf8').trim();
const runtime = mkdtempSync(path.join(os.tmpdir(), 'sbx-compile-'));
mkdirSync(path.join(runtime, 'sbx'), { mode: 0o700 });

function answer(socket, { id, method, params }) {
  // `run.ack` is a notification.
  if (id === undefined) return;
  const event = (seq, body) =>
    socket.send(
      JSON.stringify({ jsonrpc: '2.0', method: 'run.event', params: { runId: params.runId, seq, event: body } }),
    );
  const results = {
    hello: { protocol: 1, build, pid: 1, daemonId: 'd', methods: [] },
    'session.open': {
      sessionId: 's',
      cwd: '/',
      fresh: false,
      sandbox: true,
      env: [],
      grants: 0,
      clients: 1,
      liveRuns: 0,
      idleMs: 0,
      ready: true,
      notes: [],
    },
    'run.start': { run: 1, stdinBytes: 0, writer: true, repeated: false },
  };
  socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: results[method] ?? {} }));
  if (method !== 'run.start') return;
  event(0, { type: 'decided', decision: { effect: 'allow' } });
  event(1, { type: 'started', sandbox: { warnings: [] } });
  // One output frame without a byte: kind, run, seq 2, offset 0.
  socket.send(Buffer.concat([Buffer.from([1]), Buffer.alloc(19), Buffer.from([0])]), { binary: true });
  event(3, { type: 'exited', exit: { reason: 'exited', code: 0, durationMs: 1, outputBytes: 0, violations: 0 } });
}

const server = http.createServer();
const webSockets = new WebSocketServer({ server, perMessageDeflate: false });
webSockets.on('headers', (headers) => headers.push(`sbx-build: ${build}`));
webSockets.on('connection', (socket) => socket.on('message', (text) => answer(socket, JSON.parse(text.toString()))));
await new Promise((resolve) => server.listen(path.join(runtime, 'sbx', 'sbxd.sock'), resolve));

// As client/cli/launch.ts wraps it, to the letter.
const text = `(function (require, __filename, __dirname, __import) {${readFileSync(file, 'utf8')}\n})`;
const script = new vm.Script(text, { filename: file });
const leave = process.exit;
process.env.XDG_RUNTIME_DIR = runtime;
process.argv = [process.execPath, file, 'run', '--no-prompt', 'true'];
process.exit = (status) => {
  rmSync(runtime, { recursive: true, force: true });
  if (status === 0) writeFileSync(path.join(dist, 'cli.cache'), script.createCachedData());
  leave(status);
};
script.runInThisContext()(createRequire(file), file, dist, (specifier) => import(path.join(dist, specifier)));
