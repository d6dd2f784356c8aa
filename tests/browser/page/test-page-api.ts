/** What a test asks of the page, by `page.evaluate`: plain data goes in and comes out. */
export interface TestPage {
  /** Starts uploads of the files in the page's input, in their order, and of nothing else. Answers their numbers. */
  start(options: TestUploaderOptions): readonly number[];
  /** Starts an upload of bytes made in the page. */
  startBytes(
    options: TestUploaderOptions,
    kind: 'Blob' | 'ArrayBuffer' | 'Uint8Array',
    sizeBytes: number,
  ): number;
  /** Starts an upload of the picked file's bytes as a stream, which says nothing of its size. */
  startStream(options: TestUploaderOptions): number;
  /** How an upload ended. */
  outcome(upload: number): Promise<TestOutcome>;
  /** Resolves once at least `sentBytes` of an upload have left. */
  whenSent(upload: number, sentBytes: number): Promise<void>;
  /** Resolves once `count` parts of an upload are stored. */
  whenStored(upload: number, count: number): Promise<void>;
  /** Ends an upload for good. */
  cancel(upload: number): Promise<string>;
  pause(upload: number): void;
  resume(upload: number): void;
  /** Kind of its state. */
  state(upload: number): string;
  uploadId(upload: number): string | undefined;
  /** Writes a file that only this origin sees, and starts its upload from the handle. */
  startStored(options: TestUploaderOptions, name: string, sizeBytes: number): Promise<number>;
  /** SHA-256 (hex) of such a file. */
  digestStored(name: string): Promise<string>;
  /** What an earlier page has left open. */
  pending(options: TestUploaderOptions): Promise<readonly PendingFound[]>;
  /** Goes on with the first of these, with the file that was picked or with none. Its number, or why not. */
  resumePending(
    options: TestUploaderOptions,
    withFile: boolean,
    customerKey?: string,
  ): Promise<number | TestFailure>;
  /** Gives an object another key, and answers its object key. */
  rotate(
    options: TestUploaderOptions,
    nodeId: string,
    keys: { readonly key: string; readonly oldKey: string },
  ): Promise<string | TestFailure>;
  /** All that the page keeps in its database, and the names of the locks that it holds. */
  kept(): Promise<string>;
  /** Aborts the signal that an upload was given. */
  abort(upload: number): void;
}

/** Options of the uploader, as far as they are plain data. */
export interface TestUploaderOptions {
  readonly coordinator: string;
  readonly partSizeBytes?: number;
  readonly concurrency?: number;
  readonly inlineMaxBytes?: number;
  readonly integrity?: boolean;
  readonly stallTimeoutMs?: number;
  readonly retry?: {
    readonly maxAttempts?: number;
    readonly baseDelayMs?: number;
    readonly throttledBaseDelayMs?: number;
  };
  /** Given to `upload`. */
  readonly upload?: {
    readonly name?: string;
    readonly contentType?: string;
    readonly expectedSizeBytes?: number;
    readonly encryption?: { readonly mode: 'sse-c'; readonly key: string };
  };
}

/** What is left of an upload. */
export interface TestOutcome {
  readonly uploadId: string | undefined;
  readonly result?: {
    readonly uploadId: string;
    readonly key: string;
    readonly etag: string;
    readonly partCount: number;
    readonly proof: string;
  };
  readonly error?: TestFailure;
  /** Kinds of the states it went through. */
  readonly states: readonly string[];
  readonly resumedParts: number;
  /** Bytes sent, each time that progress was told. */
  readonly sentBytes: readonly number[];
}

/** What is left of an error. */
export interface TestFailure {
  readonly name: string;
  readonly code?: string;
  readonly message: string;
}

/** An upload that can be gone on with. */
export interface PendingFound {
  readonly name: string;
  readonly sizeBytes: number;
  readonly hasFile: boolean;
}
