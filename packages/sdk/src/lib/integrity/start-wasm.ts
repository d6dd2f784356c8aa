/** Bytes of a page of memory. */
export const PAGE_BYTES: number = 64 * 1024;

/** As much of WebAssembly as it takes: not every runtime has it. */
interface Runtime {
  readonly Memory: new (size: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (program: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

/** A module that runs, and its memory. */
export interface Started<Exports> {
  readonly exports: Exports;
  readonly memory: ArrayBuffer;
}

/** Starts a module. `null` where there is no WebAssembly, too old a one, or a content security policy that refuses it. */
export function startWasm<Exports>(
  assemble: () => Uint8Array<ArrayBuffer>,
  memoryBytes: number,
): Started<Exports> | null {
  try {
    const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: Runtime };
    const memory = new WebAssembly.Memory({ initial: Math.ceil(memoryBytes / PAGE_BYTES) });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble()), { env: { memory } });
    return { exports: exports as Exports, memory: memory.buffer };
  } catch {
    return null;
  }
}
