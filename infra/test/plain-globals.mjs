// Jest's environment for Node keeps the globals of a test file behind a proxy, which every look at `Math` or `Date` goes
// through: arithmetic by the million takes several times as long as in a service. Here the globals are those of a plain
// context.
import vm from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

export default class PlainGlobals extends TestEnvironment {
  constructor(config, context) {
    super(config, context);
    const { projectConfig } = config;
    const global = vm.createContext(vm.constants.DONT_CONTEXTIFY);
    const define = (name, value) =>
      Object.defineProperty(global, name, { configurable: true, writable: true, value });
    for (const name of Object.getOwnPropertyNames(globalThis)) {
      if (Object.hasOwn(global, name)) continue;
      const { get, ...descriptor } = Object.getOwnPropertyDescriptor(globalThis, name);
      // Node's own getters answer the global object that they were made for.
      const passed = { configurable: true, get: () => globalThis[name], set: (value) => define(name, value) };
      Object.defineProperty(global, name, get ? passed : descriptor);
    }
    // What comes out of Node's own modules is an instance of these; the process and what has a symbol is Jest's.
    const { process } = this.global;
    for (const [name, value] of Object.entries({ global, process, Buffer, ArrayBuffer, Uint8Array }))
      define(name, value);
    for (const symbol of Object.getOwnPropertySymbols(this.global)) define(symbol, this.global[symbol]);
    global.Error.stackTraceLimit = 100;
    this.global = global;
    this.context = global;
    this.moduleMocker = new this.moduleMocker.constructor(global);
    this.fakeTimersModern = new this.fakeTimersModern.constructor({ config: projectConfig, global });
  }
}
