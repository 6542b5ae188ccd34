/**
 * What V8's compiler is told about this program. A command passes many short functions, each of which says one thing; how
 * many of them are compiled as one piece is bounded, and the bound is meant for programs whose functions are longer.
 */
import { setFlagsFromString } from 'node:v8';

/** In bytes of bytecode; V8's own is 920. Beyond this nothing is gained, and compiling takes longer. */
const inlinedBytes = 2500;

/** To be called before there is load: what was compiled before stays as it is. */
export function tuneCompiler(): void {
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${String(inlinedBytes)}`);
}
