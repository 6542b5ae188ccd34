/**
 * A flood in a process of its own, so that whoever is measured beside it has an event loop to itself:
 * `flood.ts PORT CONNECTIONS SECONDS COMMAND...`. Prints what was measured as JSON.
 */
import { encode, measure } from './load.ts';

/** Commands of one round trip. */
const operations = 1000;

const [port, connections, seconds, ...command] = process.argv.slice(2);
const request = encode(Array.from({ length: operations }, () => command));
const answerBytes = operations * '+OK\r\n'.length;
const load = { ports: [Number(port)], connections: Number(connections), seconds: Number(seconds) };
process.stdout.write(JSON.stringify(await measure({ ...load, request, answerBytes, operations })));
process.exit(0);
