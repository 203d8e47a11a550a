/** Puts the fronts of one run together: what they share is the run's, and ends with it. */
import type { Socket } from 'node:net';
import { accept, openContext } from './connections.ts';
import { serveDirect } from './direct-front.ts';
import { serveDns, serveDnsStream } from './dns-front.ts';
import { serveHttp } from './http-front.ts';
import { type FrontLimits, frontLimits } from './limits.ts';
import type { FrontRun, Refusal, RunFronts } from './model.ts';
import { httpRefusal } from './refusal-bodies.ts';
import { serveSocks } from './socks-front.ts';

export function openFronts(run: FrontRun, limits: FrontLimits = frontLimits): RunFronts {
  const context = openContext(run, limits);
  const tooMany: Refusal = {
    code: 'too-many',
    message: `this run has ${limits.maxConnections} connections open already`,
  };
  const refuseHttp = (socket: Socket): void => {
    socket.write(httpRefusal(tooMany));
    socket.destroySoon();
  };
  return {
    serveHttp: (socket) => accept(context, socket, serveHttp, refuseHttp),
    serveSocks: (socket) => accept(context, socket, serveSocks),
    serveDirect: (socket) => accept(context, socket, serveDirect),
    serveDnsStream: (socket) => accept(context, socket, serveDnsStream),
    serveDns: (socket) => serveDns(socket, run),
  };
}
