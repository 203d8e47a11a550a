/** The daemon's two ways in, over one reception: the unix socket always, TCP when it was asked for. */
import type { Connection, ConnectionContext } from './connection.ts';
import type { ListenPlan } from './listen-plan.ts';
import { Reception, type ReceptionTimes } from './reception.ts';
import { listenOnTcp, type TcpListener } from './tcp-listener.ts';
import { listenOnUnixSocket } from './unix-listener.ts';

export interface ServerInput {
  readonly socketPath: string;
  /** Undefined: no TCP. */
  readonly tcp: ListenPlan | undefined;
  readonly context: ConnectionContext;
  readonly times?: ReceptionTimes;
}

export interface RunningServer {
  readonly connections: ReadonlySet<Connection>;
  /** URL of the TCP listener. */
  readonly listen: string | undefined;
  /** Where it is reached now; draining moves it. */
  readonly socketPath: () => string;
  /** False once another daemon has put its own socket in the place of this one's, or somebody has removed it. */
  readonly isReachable: () => boolean;
  /**
   * Makes room for a new daemon: leaves the port and moves the unix socket aside, where this daemon's clients still come
   * in to see what it runs. Again does nothing.
   */
  readonly drain: () => void;
  /** No new clients; those that are connected stay. */
  readonly stopListening: () => void;
  readonly close: (reason: string) => Promise<void>;
}

/**
 * Undefined when another daemon already answers on the socket.
 * @throws {SbxError} `run-directory`, `bad-listen`
 */
export async function listen(input: ServerInput): Promise<RunningServer | undefined> {
  const { socketPath, context } = input;
  const reception = new Reception(context, input.times);
  const unix = await listenOnUnixSocket(socketPath, reception, context.log);
  if (!unix) return undefined;
  let tcp: TcpListener | undefined;
  try {
    tcp = input.tcp && (await listenOnTcp(input.tcp, reception, context.log));
  } catch (error) {
    unix.close();
    await reception.close('bad-listen');
    throw error;
  }
  const stopListening = () => {
    tcp?.close();
    unix.close();
  };
  return {
    connections: reception.connections,
    listen: tcp?.url,
    socketPath: () => unix.socket.path(),
    isReachable: unix.socket.isOurs,
    drain: () => {
      tcp?.close();
      unix.socket.moveAside();
    },
    stopListening,
    close: async (reason) => {
      stopListening();
      await reception.close(reason);
    },
  };
}
