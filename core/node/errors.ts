/**
 * What a client is told when its command did not run, or may not have. The prefix is one that Redis clients
 * know where one fits; the text says whether the command may have been executed.
 */
import { binaryString } from '../base/bytes.ts';
import { metadataGroup } from '../base/ids.ts';
import { unreachable } from '../base/invariant.ts';
import type { Ending, ProcedureEnding } from '../forward/forwarder.ts';
import type { TenantChoice } from '../routing/tenantOf.ts';

/** How much of a client's own bytes an error repeats. */
const quotedBytes = 128;

export function unknownCommand(args: readonly Uint8Array[]): string {
  const [name, ...rest] = args.map((arg) => binaryString(arg.subarray(0, quotedBytes)));
  let beginning = '';
  for (const arg of rest) {
    if (beginning.length >= quotedBytes) break;
    beginning += `'${arg.slice(0, quotedBytes - beginning.length)}' `;
  }
  return `ERR unknown command '${name ?? ''}', with args beginning with: ${beginning}`;
}

export function tenantError(choice: Exclude<TenantChoice, { kind: 'tenant' }>): string {
  switch (choice.kind) {
    case 'crossTenant':
      return 'CROSSSLOT not executed: the keys of a command belong to one tenant';
    case 'badName':
      return `ERR not executed: '${choice.tag.slice(0, quotedBytes)}' is no tenant name (1 to 128 characters of A-Z a-z 0-9 . _ : @ -)`;
    case 'none':
      return 'ERR not executed: no tenant: put its name in braces in the key, or choose it with TENANT USE';
    default:
      return unreachable(choice);
  }
}

const unknownOutcomes: Readonly<Record<Extract<Ending, { kind: 'unknown' }>['reason'], string>> = {
  deadline: 'UNKNOWN may or may not have been executed: no answer in time',
  linkLost: 'UNKNOWN may or may not have been executed: the link to the leader broke',
  forgotten: 'UNKNOWN may or may not have been executed: what became of it is not remembered',
  replyForgotten: 'UNKNOWN executed, but the link to the leader broke and the reply is too large to be remembered',
};

/** Who has not answered. */
function silent(group: number): string {
  return `${group === metadataGroup ? 'the metadata group' : `group ${String(group)}`} has not answered in time`;
}

/** What waited too long is given up, and said to be: whoever asked may ask again. */
export function lateError({ group, mayHaveRun }: Extract<ProcedureEnding, { kind: 'deadline' }>): string {
  const why = silent(group);
  return mayHaveRun ? `UNKNOWN may or may not have been executed: ${why}` : `UNAVAILABLE not executed: ${why}`;
}

export function endingError(ending: Exclude<Ending, { kind: 'executed' }>): string {
  if (ending.kind === 'unknown') {
    return unknownOutcomes[ending.reason];
  }
  const { reason, what } = ending;
  switch (reason) {
    case 'unplaced':
      return `UNAVAILABLE not executed: ${silent(Number(what))}, and only it knows where the tenant lives`;
    case 'deadline':
      return 'UNAVAILABLE not executed: no leader of the group answered in time';
    case 'unknownTenant':
      return `ERR unknown tenant '${what}'`;
    case 'loading':
      return `LOADING not executed: tenant '${what}' is being imported`;
    case 'watchFailed':
      return 'EXECABORT not executed: a WATCH before it failed';
    case 'busy':
      return `BUSY not executed: ${what}`;
    default:
      return unreachable(reason);
  }
}
