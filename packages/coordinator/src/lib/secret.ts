const HIDDEN = '[secret]';

/**
 * A value that must not be seen: however it is printed, logged, inspected, put into a text, turned into JSON or cloned,
 * only `[secret]` or nothing appears. Nobody holds it by accident: `reveal` says where it is used.
 *
 * It keeps a value out of messages, not out of memory: a debugger or a core dump shows it.
 *
 * @example
 * const key = new Secret(process.env['LONGHAUL_WEBHOOK_SECRET'] ?? '');
 * console.log(`${key}`, { key }); // [secret] { key: [secret] }
 */
export class Secret<Value extends string | Uint8Array = string> {
  static {
    // What `console.log` and `util.inspect` show, in Node, Bun and Deno.
    const value = (): string => HIDDEN;
    Object.defineProperty(this.prototype, Symbol.for('nodejs.util.inspect.custom'), { value });
  }

  readonly #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  /** The value itself. Keep the answer no longer than its use. */
  reveal(): Value {
    return this.#value;
  }

  /** `[secret]` */
  toString(): string {
    return HIDDEN;
  }

  /** `[secret]` */
  toJSON(): string {
    return HIDDEN;
  }

  /** A secret that is added to or compared with something is printed, too. */
  [Symbol.toPrimitive](): string {
    return HIDDEN;
  }
}
