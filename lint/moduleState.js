/**
 * A lint rule: what a module of the core holds on to is readonly all the way down, by its type. A module that can
 * remember something makes a node's answer depend on more than its inputs, and two nodes in one process on each other.
 * It does not look into classes that hide their fields; that no instance is made here is for another rule.
 */
import { isTypeReadonly } from '@typescript-eslint/type-utils';

const heldByTheModule = ':matches(Program, ExportNamedDeclaration) > VariableDeclaration > VariableDeclarator > .id';
const heldByAClass = 'PropertyDefinition[static=true] > .key';

/** Their methods change them, and methods do not count against a type. */
const changedByMethods = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Generator', 'Iterator']);

/** Bytes have no readonly type that can be passed on; an expression without flags keeps nothing. */
const options = { treatMethodsAsReadonly: true, allow: [{ from: 'lib', name: ['Uint8Array', 'RegExp'] }] };

export const moduleState = {
  meta: {
    type: 'problem',
    schema: [],
    messages: {
      mutable: 'A module of core/ keeps no state: {{type}} can be changed. Type it readonly, or pass it in.',
    },
  },
  create(context) {
    const { program, getTypeAtLocation } = context.sourceCode.parserServices;
    return {
      [`${heldByTheModule}, ${heldByAClass}`](node) {
        const type = getTypeAtLocation(node);
        if (!changedByMethods.has(type.getSymbol()?.name) && isTypeReadonly(program, type, options)) return;
        context.report({ node, messageId: 'mutable', data: { type: program.getTypeChecker().typeToString(type) } });
      },
    };
  },
};
