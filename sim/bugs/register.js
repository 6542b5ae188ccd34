/**
 * Preloaded before the TypeScript loader (`node --import ./sim/bugs/register.js --import tsx …`): plants the bug in
 * LEASEHOLD_BUG, JSON edits `{ file, find, replace }`, into the sources as they are read.
 */
import { register } from 'node:module';

register('./loader.js', import.meta.url, { data: JSON.parse(process.env.LEASEHOLD_BUG ?? '[]') });
