/** How a process of ours ends (the numbers are those of sysexits.h). */
export const exitCodes = {
  ok: 0,
  /** The command line is wrong. */
  usage: 64,
  /** A file of a tenant is damaged, or is none. */
  data: 65,
  /** The local cluster does not serve, or none of its nodes is left; or a cluster refuses what it is asked. */
  unavailable: 69,
  /** A broken invariant: our fault. */
  internal: 70,
  /** The disk refused a write or a sync. */
  diskFailed: 74,
  /** The configuration is wrong, or does not fit what is on disk or on the machine. */
  configuration: 78,
  /** Told twice to stop: it ended before it had finished. */
  forced: 130,
} as const;

/** The operator's mistake: says what to change. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** What stops a process for a known reason. */
export class FatalError extends Error {
  override readonly name = 'FatalError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
